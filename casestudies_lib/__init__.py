"""The networks of CNN Case Studies, one file a paper, and rooms for what the book does with them.

A module imports only from its own line and the lines above it; a paper imports no other paper, and `page` no network.

    checks          the refusals that all share
    page            claims, captions, predictions, exercises, listings: what a page is made of
    network         a chain of layers that checks its input
    blocks          blocks that several papers share
    papers          lenet alexnet vgg resnet nin inception mobilenet efficientnet
    models          all networks by name, and what their papers published
    measure         layers, parameters, MACs, receptive fields, the graph of a forward pass
    training        real images as one tensor, downloads, a short training loop, gradients
    pretrained      networks with their public weights: checkpoints, transforms, class names, first guesses
    figures         pictures of what `measure` found
    explorers       what a reader moves by hand, without a kernel
    experiments     the few that take longer, and their recorded results
"""
