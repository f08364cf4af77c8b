"""PyTorch programs exported with `torch.export`: read as data, run operator by operator.

`torch.export.load` looks up whatever names the file holds and falls back to unpickling; it is never called here.
Lives here: `operators.py` (which operators a program may use), `program.py` (the file as checked values) and
`torch_runtime.py` (running it). Does not: TorchScript, whose loader reads pickles; export the model instead.
To admit an operator, add its name to `OPERATORS`.
"""
