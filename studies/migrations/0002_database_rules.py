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
REPORT_EVENTS = """
CREATE TRIGGER report_event_append_only BEFORE UPDATE OR DELETE ON studies_reportevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

TRIAL_EVENTS = """
CREATE TRIGGER trial_event_append_only BEFORE UPDATE OR DELETE ON studies_trialevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# Facets and lists read every matching row: long text has to live out of line (TOAST) so that a row stays small.
NARROW = """
ALTER TABLE studies_study SET (toast_tuple_target = 128);
ALTER TABLE studies_study ALTER COLUMN search_title SET STORAGE EXTERNAL;
"""

# Counting the terms of 100,000 studies from nine arrays takes seconds, from one short text a few hundredths: a
# character a term (queries/facets.py reads them back), PLAIN so that it always stays in the row. Code points begin at
# 256 and leave out the surrogates, which are no characters.
PACK = """
CREATE FUNCTION pack_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.packed_terms := coalesce((
        SELECT string_agg(chr(term + 256 + CASE WHEN term >= 55040 THEN 2048 ELSE 0 END), '')
        FROM unnest(NEW.sources || NEW.products || NEW.donors || NEW.processings || NEW.deliveries || NEW.outcomes
                    || NEW.designs || NEW.populations || NEW.comparators) AS term
    ), '');
    RETURN NEW;
END $$;
CREATE TRIGGER study_pack_terms
    BEFORE INSERT OR UPDATE OF sources, products, donors, processings, deliveries, outcomes, designs, populations,
        comparators, packed_terms
    ON studies_study FOR EACH ROW EXECUTE FUNCTION pack_terms();
ALTER TABLE studies_study ALTER COLUMN packed_terms SET STORAGE PLAIN;
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
        migrations.RunSQL(TRIAL_EVENTS, "DROP TRIGGER trial_event_append_only ON studies_trialevent;"),
        migrations.RunSQL(REPORT_EVENTS, "DROP TRIGGER report_event_append_only ON studies_reportevent;"),
        migrations.RunSQL(NARROW, migrations.RunSQL.noop),
        migrations.RunSQL(PACK, "DROP TRIGGER study_pack_terms ON studies_study; DROP FUNCTION pack_terms();"),
    ]
