"""Makes the databases of the two services that cannot make theirs on SQLite: make_databases.py, in the folder of the
template."""

from neutron.db.migration.models import head
from octavia.common import constants
from octavia.db import base_models, models
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

head.get_metadata().create_all(create_engine("sqlite:///neutron.db"))

engine = create_engine("sqlite:///octavia.db")
base_models.BASE.metadata.create_all(engine)
names = [
    (models.ProvisioningStatus, constants.SUPPORTED_PROVISIONING_STATUSES),
    (models.OperatingStatus, constants.SUPPORTED_OPERATING_STATUSES),
    (models.HealthMonitorType, constants.SUPPORTED_HEALTH_MONITOR_TYPES),
    (models.Algorithm, constants.SUPPORTED_LB_ALGORITHMS),
    (models.Protocol, constants.SUPPORTED_PROTOCOLS),
    (models.SessionPersistenceType, constants.SUPPORTED_SP_TYPES),
    (models.AmphoraRoles, constants.SUPPORTED_AMPHORA_ROLES),
    (models.LBTopology, constants.SUPPORTED_LB_TOPOLOGIES),
    (models.VRRPAuthMethod, constants.SUPPORTED_VRRP_AUTH),
    (models.L7RuleType, constants.SUPPORTED_L7RULE_TYPES),
    (models.L7RuleCompareType, constants.SUPPORTED_L7RULE_COMPARE_TYPES),
    (models.L7PolicyAction, constants.SUPPORTED_L7POLICY_ACTIONS),
    (models.ClientAuthenticationMode, constants.SUPPORTED_CLIENT_AUTH_MODES),
]
with Session(engine) as session:
    for model, values in names:
        session.add_all(model(name=value) for value in values)
    session.commit()
