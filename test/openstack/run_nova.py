"""All of Nova in one process, so that it needs no broker: conductor, scheduler, a compute service for each host, and the
API: run_nova.py PORT HOST…, with nova.conf in the current folder. Machines are Nova's fake driver's: none really runs."""

import os
import sys

port, *hosts = sys.argv[1:]
sys.argv = ["nova", "--config-file", "nova.conf"]
os.environ["OS_NOVA_CONFIG_DIR"] = os.getcwd()
os.environ["OS_NOVA_CONFIG_FILES"] = "nova.conf"

from nova import monkey_patch

monkey_patch.patch(backend="threading")

from socketserver import ThreadingMixIn
from uuid import NAMESPACE_DNS, uuid5

import nova.conf
import os_vif
from nova import config, context, objects, service, service_auth, utils
from nova.api.openstack import wsgi_app
from nova.image import glance
from nova.objects import host_mapping
from nova.virt import fake
from oslo_log import log
from paste import deploy
from serve import Server, serve
from sqlalchemy import Engine, event, text


class NodeIds:
    """The fake driver's ids of nodes: the same at each start, so that it can start on databases that know them."""

    def __getattr__(self, name):
        return str(uuid5(NAMESPACE_DNS, name))


@event.listens_for(Engine, "begin")
def begin(connection):
    """Lets the threads wait for each other: one that reads first and writes later would fail when another has written."""
    if connection.dialect.name == "sqlite" and "in_transaction" not in connection.info:
        connection.execute(text("BEGIN IMMEDIATE"))
        connection.info["in_transaction"] = True


class ThreadingServer(ThreadingMixIn, Server):
    daemon_threads = True


def start(binary, topic, host, topic_alt=None):
    nova.conf.CONF.set_override("host", host)
    more = {"topic_alt": topic_alt} if topic_alt else {}
    started = service.Service.create(binary=binary, topic=topic, host=host, **more)
    started.start()
    # It would be down to the scheduler until its first report, some seconds later.
    started.service_ref.report_count += 1
    started.service_ref.save()


fake.uuids = NodeIds()
fake_snapshot = fake.FakeDriver.snapshot


def snapshot(self, context, instance, image_id, update_task_state):
    """Uploads something for a disk, as real drivers do at the end; Nova's own way has no length, which `serve` must know."""
    fake_snapshot(self, context, instance, image_id, update_task_state)
    glance.API().update(context, image_id, {"disk_format": "raw", "container_format": "bare"}, purge_props=False)
    images = utils.get_ksa_adapter("image", ksa_auth=service_auth.get_service_user_token_auth_plugin(context))
    headers = {"content-type": "application/octet-stream"}
    images.put(f"/v2/images/{image_id}/file", data=b"a disk", headers=headers)


fake.FakeDriver.snapshot = snapshot
config.parse_args(sys.argv)
log.setup(nova.conf.CONF, "nova")
objects.register_all()
os_vif.initialize()
start("nova-conductor", "conductor", hosts[0])
start("nova-scheduler", "scheduler", hosts[0])
for host in hosts:
    start("nova-compute", "compute", host, "compute-alt")
host_mapping.discover_hosts(context.get_admin_context())
wsgi_app._setup_service(hosts[0], "nova-api")
paste = nova.conf.CONF.wsgi.api_paste_config
serve(int(port), deploy.loadapp(f"config:{paste}", name="osapi_compute"), ThreadingServer)
