"""What the API reference makes of our docstrings: Sphinx roles become links, and each name is described once."""

import re
from typing import Any

from griffe import Alias, AliasResolutionError, Extension, Module, Object

ROLE = re.compile(r':(?:mod|class|func|meth|attr|data):`(~?)([\w.]+)`')


class ApiPages(Extension):
    """Prepare a package for mkdocstrings.

    A role, ``:func:`~mmvidext.ops.flow_warp```, becomes a Markdown link. A module lists what it exports of others
    and leaves the description to the one that defines it.
    """

    def on_package(self, *, pkg: Module, **kwargs: Any) -> None:
        """Rewrite every docstring of a package that has been read."""
        self._rewrite(pkg)

    def _rewrite(self, item: Object) -> None:
        if item.docstring is not None:
            text = re.sub(r'(?m)^Example:$', 'Examples:', item.docstring.value)
            text = ROLE.sub(lambda role: _link(item, role[2], short=bool(role[1])), text)
            item.docstring.value = text + (_exports(item) if isinstance(item, Module) else '')
        for member in item.members.values():
            if not member.is_alias:
                self._rewrite(member)


def _link(item: Object, name: str, *, short: bool) -> str:
    """Return a link to ``name``, which may be relative to the class or the module of ``item``.

    A name that does not exist becomes a link all the same: ``mkdocs build --strict`` then names the docstring.
    """
    code = f'`{name.rpartition(".")[2] if short else name}`'
    scopes = [scope for scope in (item, item.parent, item.module) if scope is not None]
    for scope in [*scopes, item.modules_collection]:
        try:
            target = scope[name]
        except KeyError:
            continue
        except AliasResolutionError:  # of another package
            return code
        # constants have no docstring, hence no place on a page
        return f'[{code}][{target.canonical_path}]' if target.has_docstring else code
    return f'[{code}][{name}]'


def _exports(module: Module) -> str:
    """Name what a module exports of others, and take it off the module's own page."""
    links = []
    for name in sorted(map(str, module.exports or ())):
        member = module.members.get(name)
        if isinstance(member, Module) and name in member.members:  # a function with the name of its module
            member = member.members[name]
        elif isinstance(member, Alias):
            member.public = False
        else:
            continue
        links.append(f'[`{name}`][{member.canonical_path}]' if member.has_docstring else f'`{name}`')
    return f'\n\nTo be imported from `{module.path}`: {", ".join(links)}.' if links else ''
