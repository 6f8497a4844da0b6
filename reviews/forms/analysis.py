"""What leads and adjudicators say about ranking, duplicates and the flow, turned into clean values."""

from django import forms

from reviews.terms import CardOrder


class RankingForm(forms.Form):
    is_ranked = forms.BooleanField(
        required=False,
        label="Rank the reports by what the decisions so far teach",
        help_text="A suggestion of the order, never a decision: nothing is excluded by it.",
    )
    card_order = forms.ChoiceField(choices=CardOrder.choices, label="Order of the cards")
    random_share = forms.IntegerField(
        min_value=0,
        max_value=100,
        label="Cards dealt at random all the same, per cent",
        help_text="They are the sample from which is estimated how many relevant reports remain.",
    )


class MergeForm(forms.Form):
    """Which of the two candidates of a pair stays."""

    kept = forms.TypedChoiceField(coerce=int, error_messages={"required": "Say which of the two stays."})

    def __init__(self, *args: object, pair: tuple[int, int], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kept"].choices = [(str(pk), str(pk)) for pk in pair]


class WhyForm(forms.Form):
    why = forms.CharField(required=False, max_length=500)


class FreezeForm(forms.Form):
    label = forms.CharField(
        required=False,
        max_length=120,
        label="What this version is for",
    )
