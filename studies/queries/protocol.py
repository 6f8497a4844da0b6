"""What a study did, as facts with units: dose, sessions, device …; what is missing is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Every study of a treatment is asked these; `interval_weeks` carries its unit in its name.
_ASKED = {
    "dose": ("Dose", ""),
    "concentration": ("Concentration", ""),
    "volume": ("Volume", ""),
    "sessions": ("Sessions", ""),
    "interval_weeks": ("Interval", "weeks"),
    "plane": ("Plane", ""),
    "device": ("Device", ""),
}
# These are shown where they are known.
_FURTHER = {
    "needle_length_mm": ("Needle length", "mm"),
    "wavelength_nm": ("Wavelength", "nm"),
    "duration_days": ("Duration of treatment", "days"),
    "formulation": ("Formulation", ""),
    "carrier": ("Carrier", ""),
    "site": ("Site", ""),
    "cell_type": ("Cells", ""),
    "instruments": ("Instruments", ""),
    "n_completed": ("People who completed", ""),
    "n_analysed": ("People analysed", ""),
    "planned_design": ("Planned design", ""),
    "planned_follow_up_months": ("Planned follow-up", "months"),
    "conditioned_medium_percent": ("Conditioned medium", "%"),
    "co_intervention": ("Together with", ""),
    "assessed_at_weeks": ("Assessed at", "weeks"),
    "assessed_at_months": ("Assessed at", "months"),
    "rob2": ("Risk of bias (RoB 2), as published", ""),
    "n_studies": ("Studies included", ""),
    "n_studies_on_rejuvenation": ("Studies on rejuvenation", ""),
    "n_people_reviewed": ("People in the reviewed studies", ""),
    "n_arms": ("Arms", ""),
    "n_scars": ("Scars", ""),
    "n_procedures": ("Procedures", ""),
    "n_complications": ("Complications", ""),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """An empty value means "not reported", which is a fact too."""

    label: str
    value: str


def protocol_of(starter: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The facts of a starter row; nothing for a study whose facts nobody has extracted."""
    if not starter:
        return ()
    facts = {**starter.get("facts", {}), **starter.get("protocol", {})}
    if starter.get("n_analysed"):
        facts["n_analysed"] = starter["n_analysed"]
    is_treatment = starter.get("category") not in {"review", "trial"}
    asked = [Fact(label, amount(facts.get(name), unit)) for name, (label, unit) in _ASKED.items()]
    known = [Fact(label, amount(facts[name], unit)) for name, (label, unit) in _FURTHER.items() if facts.get(name)]
    others = [
        Fact(name.replace("_", " ").capitalize(), amount(value))
        for name, value in facts.items()
        if name not in _ASKED and name not in _FURTHER and not isinstance(value, bool)
    ]
    results = [Fact(*_result(result)) for result in starter.get("results", ())]
    return (*(asked if is_treatment else [f for f in asked if f.value]), *known, *others, *results)


def amount(value: object, unit: str = "") -> str:
    """A number, a range or words with their unit: "10,000,000 to 30,000,000 cells/mL"; empty for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        unit = str(value.get("unit") or unit)
        basis = f"per {value['per']}" if value.get("per") else ""
        return " ".join(filter(None, (_span(value), unit, basis)))
    if isinstance(value, list | tuple):
        return f"{', '.join(amount(entry) for entry in value)} {unit}".strip()
    if unit and str(value) == "1":
        unit = unit.removesuffix("s")
    return f"{_number(value)} {unit}".strip()


def _span(value: Mapping[str, Any]) -> str:
    low, high = value.get("min"), value.get("max")
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    if low is not None:
        return f"at least {_number(low)}"
    if high is not None:
        return f"at most {_number(high)}"
    values = value.get("values") or ([value["value"]] if "value" in value else [])
    return " or ".join(map(_number, values))


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}"


def _result(result: Mapping[str, Any]) -> tuple[str, str]:
    label, unit = str(result.get("measure", "Result")), str(result.get("unit", ""))
    parts = []
    for name, value in result.items():
        if name in {"treated", "control", "estimate"}:
            parts.append(f"{name} {amount(value, unit)}")
        elif name == "p":
            parts.append(f"p = {value}")
        elif name == "ci95":
            parts.append(f"95 % interval {value[0]} to {value[1]}")
        elif name.startswith("at_"):
            parts.append(f"at {amount(value)} {name.removeprefix('at_')}")
        elif name not in {"measure", "unit"}:
            parts.append(str(value))
    return label[:1].upper() + label[1:], "; ".join(parts)
