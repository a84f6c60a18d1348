"""The machines that schedules ask for, every half hour of a year: calculated apart from the product, by Python's zoneinfo.

Reads from stdin {"year", "zones", "schedules": [{"machines", "days" (Monday is 0), "hours", "minute", "durationMinutes",
"leadMinutes", "from", "until", "except"}]}; writes to stdout, by zone, a number for each half hour.
"""

import json
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
STEP = timedelta(minutes=30)


def shown(instant, zone):
    return instant.astimezone(zone).replace(tzinfo=None)


def first_instant(wall, zone):
    """The first minute in which a clock in the zone shows this time, or one after it."""
    about = wall.replace(tzinfo=timezone.utc)
    offsets = [(about + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in (-30, 0, 30)]
    # Before this, no clock in the zone shows as late a time.
    instant = about - max(offsets)
    while shown(instant, zone) < wall:
        instant += MINUTE
    return instant


def periods(schedule, zone, first, last):
    day = first
    while day <= last:
        text = day.isoformat()
        wanted = (
            day.weekday() in schedule["days"]
            and schedule.get("from", text) <= text <= schedule.get("until", text)
            and text not in schedule.get("except", [])
        )
        for hour in schedule["hours"] if wanted else []:
            start = first_instant(datetime(day.year, day.month, day.day, hour, schedule["minute"]), zone)
            asked = start - MINUTE * schedule.get("leadMinutes", 0)
            yield asked, start + MINUTE * schedule["durationMinutes"]
        day += timedelta(days=1)


def machines(schedules, zone, year):
    begin = datetime(year, 1, 1, tzinfo=timezone.utc)
    steps = (datetime(year + 1, 1, 1, tzinfo=timezone.utc) - begin) // STEP
    total = [0] * steps
    for schedule in schedules:
        active = set()
        for asked, end in periods(schedule, zone, date(year - 1, 12, 25), date(year + 1, 1, 3)):
            # The first half hour that is not before it, and the first that is not before its end.
            active.update(range(max(0, -((begin - asked) // STEP)), min(steps, -((begin - end) // STEP))))
        for step in active:
            total[step] += schedule["machines"]
    return total


given = json.load(sys.stdin)
json.dump({name: machines(given["schedules"], ZoneInfo(name), given["year"]) for name in given["zones"]}, sys.stdout)
