"""All faults, in the order in which they are tried."""

from tests.faults.by_clock import CLOCK_FAULTS
from tests.faults.by_disk import DISK_FAULTS
from tests.faults.by_kill import KILLS
from tests.faults.by_network import NETWORK_FAULTS
from tests.faults.by_outage import OUTAGES
from tests.faults.by_postgresql import DATABASE_FAULTS
from tests.faults.by_reload import RELOAD_FAULTS
from tests.faults.fault import Fault

FAULTS: dict[str, Fault] = {
    each.name: each
    for each in (*KILLS, *DATABASE_FAULTS, *DISK_FAULTS, *NETWORK_FAULTS, *RELOAD_FAULTS, *CLOCK_FAULTS, *OUTAGES)
}
