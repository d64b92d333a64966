"""The SOP as a first fabfile would have it. Usage: naive_fabric.py minor|major SSH_CONFIG VERSION HOST…."""

from __future__ import annotations

import sys

from fabric import Config, Connection, ThreadingGroup

what, ssh_config, version, *hosts = sys.argv[1:]
config = Config(runtime_ssh_path=ssh_config)
update = f"sh -c 'yum clean expire-cache && yum -y update blockerbugs-{version}-1.el7'"
page = "curl -s http://localhost/blockerbugs/"
healthy = f"sh -c \"until {page} | grep -q 'Blockerbugs {version}'; do sleep 0.2; done\""

if what == "minor":
    for host in hosts:
        with Connection(host, config=config) as node:
            node.sudo(update)
            node.sudo("service httpd restart")
            node.sudo(healthy)
else:
    with ThreadingGroup(*hosts, config=config) as group:
        group.sudo("service httpd stop")
        group.sudo(update)
        group[0].sudo("blockerbugs upgrade_db")
        group[0].sudo("blockerbugs sync")
        group.sudo("service httpd start")
        group.sudo(healthy)
