"""What a person says about the mail they want."""

from django import forms

from studies.models import Subscription
from studies.models.alert import LONGEST_LOOK_BACK, MOST_ITEMS
from studies.rules.news import URGENT
from studies.terms import Frequency, NewsKind


class AlertForm(forms.Form):
    frequency = forms.ChoiceField(
        label="How often",
        choices=Frequency.choices,
        initial=Frequency.WEEKLY,
        widget=forms.RadioSelect,
        help_text="At once goes only a retraction, an expression of concern, or a trial that was stopped.",
    )
    kinds = forms.MultipleChoiceField(
        label="What about",
        choices=NewsKind.choices,
        initial=[kind.value for kind in NewsKind if kind != NewsKind.RECORD],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one kind of news."},
    )
    max_items = forms.IntegerField(
        label="Pieces of news in one mail, at most",
        min_value=1,
        max_value=MOST_ITEMS,
        initial=20,
        help_text="What is beyond is counted, with a link.",
        widget=forms.NumberInput(attrs={"class": "input input--short"}),
    )
    lookback_days = forms.IntegerField(
        label="Days looked back, at most",
        min_value=1,
        max_value=LONGEST_LOOK_BACK,
        initial=LONGEST_LOOK_BACK,
        help_text="After a pause, news older than this is not sent any more.",
        widget=forms.NumberInput(attrs={"class": "input input--short"}),
    )

    def __init__(self, *args: object, subscription: Subscription | None = None, **kwargs: object) -> None:
        if subscription:
            names = ("frequency", "kinds", "max_items", "lookback_days")
            kwargs["initial"] = {name: getattr(subscription, name) for name in names}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict:
        cleaned = super().clean()
        kinds = cleaned.get("kinds")
        if cleaned.get("frequency") == Frequency.IMMEDIATE and kinds and not URGENT & set(kinds):
            self.add_error("kinds", "At once goes only what is grave: choose retractions, concerns or stopped trials.")
        return cleaned
