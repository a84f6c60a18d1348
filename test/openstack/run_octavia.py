"""Octavia's API and its controller in one process, so that it needs no broker: run_octavia.py PORT, with octavia.conf in
the current folder. It makes no machines: what it would ask of Nova is made up. Addresses are real ports of Neutron's."""

import sys
from types import SimpleNamespace

port = sys.argv.pop()
arguments = ["--config-file", "octavia.conf"]

from octavia.api import app
from octavia.common import clients, config, constants, rpc
from octavia.compute.drivers.noop_driver.driver import NoopComputeDriver
from octavia.controller.queue.v2 import endpoints
from oslo_config import cfg
from oslo_messaging import Target
from serve import serve


def attach(_driver, compute_id, network_id=None, ip_address=None, port_id=None):
    """Ties a port to a machine that there is not, as Nova would."""
    network = clients.NeutronAuth.get_neutron_client().network
    if port_id:
        port = network.update_port(port_id, device_id=compute_id)
    else:
        port = network.create_port(network_id=network_id, device_id=compute_id, name=f"octavia-lb-{compute_id}")
    return SimpleNamespace(net_id=port.network_id, port_id=port.id, fixed_ips=port.fixed_ips)


def detach(_driver, compute_id, port_id):
    """Deletes a port that `attach` has made, as Nova would, and leaves others."""
    network = clients.NeutronAuth.get_neutron_client().network
    port = network.find_port(port_id)
    if port and port.name.startswith("octavia-lb-"):
        network.delete_port(port)
    elif port:
        network.update_port(port, device_id="")


NoopComputeDriver.attach_network_or_port = attach
NoopComputeDriver.detach_port = detach
config.init(arguments)
# SQLite has no pool of connections for it.
cfg.CONF.set_override("pool_timeout", None, "database")
config.init = lambda *_: None  # The API would read it again, which it cannot.
application = app.setup_app(argv=["octavia", *arguments])
target = Target(topic=constants.TOPIC_AMPHORA_V2, server=cfg.CONF.host, fanout=False)
rpc.get_server(target, [endpoints.Endpoints()]).start()
serve(int(port), application)
