r"""Split ordinary text into pre-tokens (words, numbers, punctuation, white space); tokens never cross them.

The pattern is GPT-2's (Radford et al. 2019; `encoder.py` of https://github.com/openai/gpt-2), with its
contractions factored as in https://github.com/openai/tiktoken/pull/234. In order, it takes:

- a contraction's ending: 's 'd 'm 't 'll 've 're
- a run of letters, of numbers, or of anything else but white space, each with the space before it
- white space, but not the last character of a run that a word follows: the word takes that one if it is
  a space, otherwise it stands alone

Every character is in one of these, so the pre-tokens joined give the text again.
"""

import regex

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

find_pretokens = regex.compile(GPT2_PATTERN).findall

# Where ordinary text may be cut without changing its pre-tokens; `chunking.py` has the argument.
GPT2_CUTS = regex.compile(r"\s(?=\S)")
