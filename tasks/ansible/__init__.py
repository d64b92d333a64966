"""The settings template in the ansible repo: what push-config checks, commits and pushes."""
