"""The log of every change: append-only (a trigger refuses anything else) and without foreign keys."""

from typing import Any

from django.db import models
from django.utils import timezone


class AuditEventManager(models.Manager["AuditEvent"]):
    def record(self, verb: str, obj: models.Model, *, by: Any = None, **detail: Any) -> "AuditEvent":
        """Write one event in the caller's transaction. `by` is a user, or the name of a process."""
        return self.create(**self.values(verb, obj, by=by, **detail))

    def values(self, verb: str, obj: models.Model, *, by: Any = None, **detail: Any) -> dict[str, Any]:
        return {
            "verb": verb,
            "actor_id": getattr(by, "pk", None),
            "actor": str(by or "Stratum")[:200],
            "object_type": obj._meta.model_name,
            "object_id": obj.pk,
            "object_label": str(obj)[:300],
            "detail": detail,
        }


class AuditEvent(models.Model):
    """Who did what to which object, when; the object may be gone, the event stays readable."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=200)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.BigIntegerField()
    object_label = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)

    objects = AuditEventManager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["object_type", "object_id", "-at"], name="audit_object")]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.object_type} {self.object_id}"
