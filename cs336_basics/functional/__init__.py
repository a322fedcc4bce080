"""The mathematics of the model as plain functions of tensors; no function here owns a weight.

Axis names, the same in the whole package:

| name             | meaning                                              |
| ---------------- | ---------------------------------------------------- |
| batch            | independent sequences                                |
| seq              | positions of a sequence; `queries`, `keys` in scores |
| heads            | attention heads                                      |
| d_head           | features of one head                                 |
| d_model          | features of the residual stream                      |
| d_ff             | features inside the feed-forward network             |
| vocab            | entries of the vocabulary                            |
"""
