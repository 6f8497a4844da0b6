"""What Django cannot say: extensions, the append-only log, and rows that stay narrow for lists and facets."""

from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension, UnaccentExtension
from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON studies_auditevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# Facets and lists read every matching row: long text has to live out of line (TOAST) so that a row stays small.
NARROW = """
ALTER TABLE studies_study SET (toast_tuple_target = 128);
ALTER TABLE studies_study ALTER COLUMN search_title SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):
    dependencies = [("studies", "0001_initial")]

    operations = [
        TrigramExtension(),
        UnaccentExtension(),
        BtreeGinExtension(),
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER audit_append_only ON studies_auditevent; DROP FUNCTION refuse_change();",
        ),
        migrations.RunSQL(NARROW, migrations.RunSQL.noop),
    ]
