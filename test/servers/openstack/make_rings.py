"""Makes Swift's rings, of one device each: make_rings.py ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT."""

import sys

from swift.common.ring import RingBuilder

for kind, port in zip(("account", "container", "object"), sys.argv[1:]):
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1}
    )
    builder.rebalance()
    builder.get_ring().save(f"{kind}.ring.gz")
