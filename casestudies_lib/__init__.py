"""The networks of CNN Case Studies, one file for each paper, and what the book measures, draws and claims with them.

From the ground up: `checks`, `markup`, `blocks`; the papers, `lenet`, `alexnet`, `vgg`, `resnet`; `models` with all of
them by name; `anatomy`, `wiring`; `drawing`, `diagrams`, `explorers`; `download`, `data`, `training`, `gradients`;
`experiments`; `claims` and `pages`.
"""
