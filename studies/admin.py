"""Django's admin for admins: corrections to the catalogue, each audited; nothing of it is deleted here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from studies import access
from studies.actions import notices, running, searching
from studies.actions.study_rows import refresh_studies
from studies.models import AuditEvent, Invitation, Notice, Report, Search, SearchRun, Study, StudyTag, Tag, User
from studies.rules.permissions import Permission
from studies.terms import RunKind


class Site(admin.AdminSite):
    """The admin behind our own gate, sign-in and account page."""

    site_header = "Stratum administration"
    site_title = "Stratum"
    index_title = "Catalogue and accounts"

    def has_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, Permission.MANAGE_CATALOGUE)

    def admin_view(self, view, cacheable: bool = False):
        return access.needs(Permission.MANAGE_CATALOGUE)(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return LogoutView.as_view()(request)

    def password_change(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return redirect("studies:account")


site = Site(name="admin")


class CatalogueAdmin(admin.ModelAdmin):
    """Rows are corrected, never made or deleted by hand; each correction is one audit event."""

    show_full_result_count = False
    list_per_page = 50
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 2, "cols": 80})}}
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool) -> None:
        if not form.changed_data:
            return
        before = {name: form.initial[name] for name in form.changed_data if name in form.initial}
        after = {name: form.cleaned_data[name] for name in form.changed_data}
        self.note(request, obj, form)
        obj.save()
        verb = "corrected" if change else "added"
        AuditEvent.objects.record(verb, obj, by=request.user, before=_plain(before), after=_plain(after))
        refresh_studies(self.studies_touched(obj, form))

    def note(self, request: HttpRequest, obj: models.Model, form: forms.ModelForm) -> None:
        """What else changes on the row because a person corrected it."""

    def studies_touched(self, obj: models.Model, form: forms.ModelForm) -> set[int]:
        """The studies whose kept columns have to be derived anew."""
        return set()


class ReadOnlyAdmin(CatalogueAdmin):
    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values as the log keeps them: JSON, rows by their id."""
    plain = {name: value.pk if isinstance(value, models.Model) else value for name, value in values.items()}
    return {
        n: v if isinstance(v, (str, int, float, bool, list, dict, type(None))) else str(v) for n, v in plain.items()
    }


class TagForm(forms.ModelForm):
    def clean_parent(self) -> Tag | None:
        parent = above = self.cleaned_data["parent"]
        while above:
            if above.pk == self.instance.pk:
                raise ValidationError("A term cannot stand beneath itself.")
            above = above.parent
        return parent

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        parent, facet = values.get("parent"), values.get("facet") or self.instance.facet
        if parent and facet and parent.facet != facet:
            # It would stand in no tree: neither among the filters nor on the map.
            self.add_error("parent", f"“{parent}” is of another facet: {parent.get_facet_display()}.")
        return values


@admin.register(Tag, site=site)
class TagAdmin(CatalogueAdmin):
    form = TagForm
    list_display = ["label", "facet", "parent", "is_not_reported", "is_out_of_scope", "is_retired"]
    list_filter = ["facet", "is_retired", "is_out_of_scope"]
    list_select_related = ["parent"]
    search_fields = ["label", "slug", "definition"]
    # Retiring takes the open suggestions along: the page of the vocabulary does it.
    readonly_fields = ["is_retired", "edited_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Tag | None = None) -> list[str]:
        # Addresses of filters and the rules that suggest tags name the slug.
        return ["slug", "facet", *self.readonly_fields] if obj else self.readonly_fields

    def response_post_save_add(self, request: HttpRequest, obj: Tag) -> HttpResponse:
        return redirect("studies:vocabulary")

    def response_post_save_change(self, request: HttpRequest, obj: Tag) -> HttpResponse:
        return redirect("studies:vocabulary")

    def note(self, request: HttpRequest, obj: Tag, form: forms.ModelForm) -> None:
        obj.edited_at = timezone.now()

    def studies_touched(self, obj: Tag, form: forms.ModelForm) -> set[int]:
        """Studies carry the term's words, and its ancestors."""
        beneath = newest = {obj.pk}
        while newest:
            newest = set(Tag.objects.filter(parent__in=newest).values_list("pk", flat=True)) - beneath
            beneath = beneath | newest
        return set(StudyTag.objects.filter(tag__in=beneath).values_list("study", flat=True))


class SearchAdminForm(forms.ModelForm):
    def clean_schedule(self) -> str:
        schedule = self.cleaned_data["schedule"]
        try:
            searching.next_run(schedule, timezone.now())
        except searching.BadSchedule as error:
            raise ValidationError(str(error)) from None
        return schedule

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if Search.objects.kept().exclude(pk=self.instance.pk).filter(name__iexact=name).exists():
            raise ValidationError("Another search has this name.")
        return name

    def clean_query(self) -> str:
        query = self.cleaned_data["query"]
        if not query.strip() and (self.instance.pk is None or self.instance.query):
            raise ValidationError("A search needs a query.")
        return query


@admin.register(Search, site=site)
class SearchAdmin(CatalogueAdmin):
    """Searches may be made, paused and deleted here too; a deleted one only leaves the lists."""

    form = SearchAdminForm
    values = ["name", "query", "schedule", "overlap_days", "use", "note"]
    readonly_fields = ["next_run_at", "due_since", "awaits_email", "created_by", "created_at"]
    fields = ["name", "kind", *values[1:], "is_paused", *readonly_fields]
    list_display = ["name", "kind", "schedule", "is_paused", "next_run_at"]
    list_filter = ["kind", "is_paused"]
    search_fields = ["name", "query"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Search]:
        return super().get_queryset(request).kept()

    def get_readonly_fields(self, request: HttpRequest, obj: Search | None = None) -> list[str]:
        # The runs belong to the source, and a new search is paused by pausing it.
        return [*self.readonly_fields, "kind"] if obj else [*self.readonly_fields, "is_paused"]

    def formfield_for_choice_field(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field:
        if db_field.name == "kind":
            kwargs["choices"] = [(kind.value, kind.label) for kind in running.WORK if kind != RunKind.FILE]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Search | None = None) -> bool:
        return obj is None or bool(obj.query)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """Nothing goes with it, and its runs are no reason to keep it in the lists."""
        return [str(search) for search in objs], {"searches": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Search) -> None:
        searching.delete_search(obj, by=request.user)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Search, form: forms.ModelForm, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in self.values}
        if not change:
            obj.pk = searching.create_search(by=request.user, kind=form.cleaned_data["kind"], **values).pk
            return
        search = searching.change_search(Search.objects.get(pk=obj.pk), by=request.user, **values)
        if "is_paused" in form.changed_data:
            searching.set_paused(search, form.cleaned_data["is_paused"], by=request.user)


@admin.register(SearchRun, site=site)
class SearchRunAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "state", "created_at", "n_found", "n_created", "n_changed", "n_rejected", "n_errors"]
    list_filter = ["state", "kind"]
    list_select_related = ["search"]
    search_fields = ["asked", "search__name"]
    date_hierarchy = "created_at"
    exclude = ["file_path"]


@admin.register(Report, site=site)
class ReportAdmin(CatalogueAdmin):
    """A field that a person corrected is never overwritten by a source again."""

    fields = [
        ("pmid", "pmcid"),
        "study",
        "kind",
        "title",
        "vernacular_title",
        "doi",
        ("journal", "journal_abbreviation"),
        ("volume", "issue", "pages"),
        ("published_raw", "published_on", "published_precision"),
        "electronic_on",
        ("source", "changed_at", "missing_since"),
        "edited_fields",
    ]
    readonly_fields = ["pmid", "pmcid", "study", "source", "changed_at", "missing_since", "edited_fields"]
    list_display = ["__str__", "pmid", "pmcid", "kind", "published_on", "source"]
    list_filter = ["kind", "source"]
    search_fields = ["=pmid", "=pmcid", "=doi", "title"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Report]:
        return super().get_queryset(request).defer("abstract", "authors", "mesh", "references", "relations", "history")

    def note(self, request: HttpRequest, obj: Report, form: forms.ModelForm) -> None:
        obj.edited_fields = sorted({*obj.edited_fields, *form.changed_data})
        obj.changed_at = timezone.now()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Report, form: forms.ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "doi" in form.changed_data:
            notices.take_waiting(obj, now=timezone.now())

    def studies_touched(self, obj: Report, form: forms.ModelForm) -> set[int]:
        return {obj.study_id}


@admin.register(Study, site=site)
class StudyAdmin(CatalogueAdmin):
    fields = ["title", "year", "design", "n_participants", "follow_up_months", "in_default_views", "is_starter"]
    readonly_fields = ["title", "year", "design", "is_starter"]
    list_display = ["display_title", "year", "design", "n_participants", "follow_up_months", "in_default_views"]
    list_filter = ["in_default_views", "is_starter", "design"]
    search_fields = ["title", "=reports__pmid"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Study]:
        return super().get_queryset(request).for_list()

    def studies_touched(self, obj: Study, form: forms.ModelForm) -> set[int]:
        return {obj.pk}


class NoticeForm(forms.ModelForm):
    class Meta:
        model = Notice
        fields = ["dismissed_why"]
        labels = {"dismissed_why": "Dismissed because"}
        help_texts = {"dismissed_why": "A reason dismisses the notice from every view; without one it is in force."}


@admin.register(Notice, site=site)
class NoticeAdmin(CatalogueAdmin):
    form = NoticeForm
    readonly_fields = ["report", "subject_pmid", "kind", "source", "notice_pmid", "notice_doi", "citation", "note"]
    readonly_fields += ["issued_on", "first_seen_at", "unstated_since", "dismissed_at", "dismissed_by"]
    fields = [*readonly_fields, "dismissed_why"]
    list_display = ["__str__", "kind", "source", "first_seen_at", "dismissed_at"]
    list_filter = ["kind", "source", ("dismissed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["report"]
    search_fields = ["report__title", "=subject_pmid", "=notice_pmid"]

    def note(self, request: HttpRequest, obj: Notice, form: forms.ModelForm) -> None:
        obj.dismissed_at = timezone.now() if obj.dismissed_why.strip() else None
        obj.dismissed_by = request.user if obj.dismissed_at else None

    def studies_touched(self, obj: Notice, form: forms.ModelForm) -> set[int]:
        return {obj.report.study_id} if obj.report else set()


@admin.register(AuditEvent, site=site)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor", "verb", "object_type", "object_label"]
    list_filter = ["object_type"]
    search_fields = ["actor", "verb", "object_label"]
    date_hierarchy = "at"


@admin.register(User, site=site)
class UserAdmin(ReadOnlyAdmin):
    """For looking: accounts change on the People page, which keeps the last admin."""

    fields = ["email", "first_name", "last_name", "role", "is_active", "date_joined", "last_login"]
    list_display = ["email", "first_name", "last_name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["email"]


@admin.register(Invitation, site=site)
class InvitationAdmin(ReadOnlyAdmin):
    fields = ["email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"]
    list_display = ["email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"]
    list_filter = ["role"]
    list_select_related = ["invited_by"]
    search_fields = ["email"]
