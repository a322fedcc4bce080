"""What each part of a model costs: a class for each module of `cs336_basics.nn`, which takes the same sizes.

Formulas of memory follow the forward code line by line: what autograd keeps is listed tensor by tensor.
"""
