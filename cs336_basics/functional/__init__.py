"""The mathematics of the model as plain functions of tensors; no function here owns a weight.

Axis names, the same in the whole package:

| name             | meaning                                              |
| ---------------- | ---------------------------------------------------- |
| batch            | independent sequences                                |
| seq              | positions of a sequence; `queries`, `keys` in scores |
| heads            | attention heads                                      |
| kv_heads         | heads of keys and values, where they are fewer       |
| d_head           | features of one head                                 |
| pairs            | d_head / 2: pairs of features that RoPE rotates      |
| d_model          | features of the residual stream                      |
| d_ff             | features inside the feed-forward network             |
| d_in, d_out      | features before and after a linear map               |
| vocab            | entries of the vocabulary                            |
"""
