"""From a tarball to the tag: the SRPM, the Koji hub, the tags, the settings template in the ansible repo.

Stands apart from the fleet; only `stage` asks the stg hosts what they run and what they are offered.
"""
