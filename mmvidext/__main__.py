"""``python -m mmvidext``: the ``mmvidext`` command."""

from mmvidext.cli.main import main

if __name__ == '__main__':
    main(prog_name='mmvidext')
