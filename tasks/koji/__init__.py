"""From a tarball to the tag: the SRPM, the Koji hub, the tags.

Stands apart from the fleet; only `stage` asks the stg hosts what they run and what they are offered.

    asked, flow                       what was typed and configured; the tasks from beginning to end
    spec, tarball, srpm               before the hub: what is to be built (K6)
    hub, hub_errors                   the hub and its errors, in words (K1, K2)
    submit, routing, watch            the call that is made once; wrong builders; a task to its end (K3, K5)
    tree, failure                     tasks as values; why one failed (K4)
    tags, stage, promote              the stg tag and its repo; the prod tag (K7)
    bookmark, progress                how to go on after an early end; what is shown meanwhile
    settings, local                   what can be configured; programs on this machine
"""
