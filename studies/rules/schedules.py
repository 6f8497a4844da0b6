"""When a search runs by itself: the cron expressions people choose from, and their words."""

BY_HAND, DAILY, WEEKLY, MONTHLY = "", "0 3 * * *", "0 3 * * 1", "0 3 1 * *"
PRESETS = (BY_HAND, DAILY, WEEKLY, MONTHLY)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def in_words(schedule: str) -> str:
    """A cron expression as people say it, in UTC; one of an unusual shape is shown as it stands."""
    if not schedule.strip():
        return "By hand only"
    parts = schedule.split()
    if len(parts) != 5 or not (parts[0].isdigit() and parts[1].isdigit()):
        return f"Schedule {schedule}"
    minute, hour, day, month, weekday = parts
    at = f"at {int(hour):02d}:{int(minute):02d} UTC"
    match (day, month, weekday):
        case ("*", "*", "*"):
            return f"Daily {at}"
        case ("*", "*", one) if one.isdigit() and int(one) < len(_DAYS):
            return f"Every {_DAYS[int(one)]} {at}"
        case (one, "*", "*") if one.isdigit():
            return f"Monthly on day {int(one)} {at}"
    return f"Schedule {schedule}"
