"""Says what OpenStack's services would not take of requests, by the very schemas that they check requests with.

Reads a list of {"schema", "body"} as JSON, and writes a list of problems for each.
"""

import json
import sys

from keystone.api.validation import validators as keystone
from keystone.application_credential import schema as application_credentials
from neutron.extensions import securitygroup, standardattrdescription
from neutron_lib.api import attributes
from neutron_lib.api.definitions import l3, network, port, port_security, subnet
from nova.api.openstack.compute.schemas import flavors, keypairs, server_groups, servers
from nova.api.validation import validators as nova
from octavia.api.v2.types import health_monitor, l7policy, l7rule, listener, load_balancer, member, pool
from wsme.rest import json as wsme


def by_nova(schema):
    return lambda body: nova._SchemaValidator(schema).validate(body)


def by_keystone(schema):
    return lambda body: keystone._SchemaValidator(schema).validate(body)


def by_octavia(kind):
    def check(body):
        known = {attribute.name for attribute in kind._wsme_attributes}
        if unknown := set(body) - known:
            raise ValueError(f"Octavia knows no {', '.join(sorted(unknown))}")
        wsme.fromjson(kind, body)

    return check


def by_neutron(collection, definition, *extensions):
    attribute_map = {**definition.RESOURCE_ATTRIBUTE_MAP[collection], **standardattrdescription.DESCRIPTION_BODY}
    for extension in extensions:
        attribute_map.update(extension.get(collection, {}))
    info = attributes.AttributeInfo(attribute_map)

    def check(body):
        info.verify_attributes(body)
        # Who asks is filled in by the server.
        request = {"tenant_id": "0", **body} if "tenant_id" in attribute_map else body
        info.fill_post_defaults(request)
        info.convert_values(request)

    return check


secure = port_security.RESOURCE_ATTRIBUTE_MAP
groups = securitygroup.EXTENDED_ATTRIBUTES_2_0
checks = {
    "server": by_nova(servers.create),
    # From microversion 2.15 on, which the provider asks for, there is soft anti-affinity.
    "server_group": by_nova(server_groups.create_v215),
    "keypair": by_nova(keypairs.create),
    "flavor": by_nova(flavors.create),
    "application_credential": by_keystone(application_credentials.application_credential_create_request_body),
    "network": by_neutron("networks", network, secure),
    "subnet": by_neutron("subnets", subnet),
    "port": by_neutron("ports", port, secure, groups),
    "router": by_neutron("routers", l3),
    "floatingip": by_neutron("floatingips", l3),
    "security_group": by_neutron("security_groups", securitygroup),
    "security_group_rule": by_neutron("security_group_rules", securitygroup),
    "loadbalancer": by_octavia(load_balancer.LoadBalancerPOST),
    "listener": by_octavia(listener.ListenerPOST),
    "pool": by_octavia(pool.PoolPOST),
    "healthmonitor": by_octavia(health_monitor.HealthMonitorPOST),
    "member": by_octavia(member.MemberPOST),
    "l7policy": by_octavia(l7policy.L7PolicyPOST),
    "l7rule": by_octavia(l7rule.L7RulePOST),
}


def problems_of(request):
    try:
        checks[request["schema"]](request["body"])
    except Exception as error:
        return [" ".join(f"{type(error).__name__}: {error}".split())]
    return []


json.dump([problems_of(request) for request in json.load(sys.stdin)], sys.stdout)
