"""What Django cannot say: decisions are never changed or deleted, and the log is found by review."""

from django.db import migrations

APPEND_ONLY = """
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON reviews_screeningdecision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# The log knows no foreign keys; an event of a review names it in its detail.
LOG_BY_REVIEW = """
CREATE INDEX audit_review ON studies_auditevent ((detail -> 'review'), at DESC) WHERE (detail -> 'review') IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_initial"), ("studies", "0002_database_rules")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER decision_append_only ON reviews_screeningdecision;"),
        migrations.RunSQL(LOG_BY_REVIEW, "DROP INDEX audit_review;"),
    ]
