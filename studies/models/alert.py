"""SavedSearch, a question to the list of studies that somebody keeps."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SavedSearch(models.Model):
    """A name for the query string of a list of studies; the address is the question."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=120)
    query_string = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_search_name")]

    def __str__(self) -> str:
        return self.name
