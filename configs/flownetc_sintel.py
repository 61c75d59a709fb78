_base_ = ['./_base_/flow_runtime.py', './_base_/flownetc.py', './_base_/sintel.py', './_base_/flow_schedule_fine.py']
