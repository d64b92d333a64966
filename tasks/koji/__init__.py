"""From a tarball to the tag: the SRPM, the Koji hub, the tags.

Stands apart from the fleet; only `tags` asks the stg hosts what they run and what they are offered.

    options, flow           what was typed and configured; the tasks from beginning to end
    spec, tarball, srpm     before the hub: what is to be built (K6)
    hub, hub_errors         the hub and its errors, in words (K1, K2)
    preflight               what is looked at before anything is uploaded (K5)
    submit                  the call that is made once; wrong builders (K3)
    tree, watch             tasks as values; a task to its end, and why one failed (K4)
    tags, promote           the stg tag and its repo; the prod tag (K7)
    progress                what is shown meanwhile
    settings, local         what can be configured; programs on this machine
"""
