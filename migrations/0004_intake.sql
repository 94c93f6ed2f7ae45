-- Leads arrive: one call a chunk. Columns come as one text each, values parted by U+007F and '' for none: a text needs no
-- escaping on its way, and string_to_array reads it faster than Postgres reads an array's own text form (measured).
-- Locks in the house's order: import, persons (new ones by hash, known ones by id), audit head last.

create function app.intake_column(joined text) returns text[] immutable language sql
  as $$ select string_to_array(joined, U&'\007F', '') $$;

-- Persons, leads and consent evidence of one chunk. Numbers are distinct; each row names its number by position (from 1).
-- A row whose number has a lead already is a duplicate; its evidence is appended to its person all the same, once per digest.
-- Facts of a person that was there before have moved only if a lead or evidence was new: then, and only then, its version moves.
create function app.intake_rows(
    into_import uuid, pepper smallint, person_ids uuid[], hmacs bytea[], older_numbers integer[], older_hmacs bytea[],
    row_numbers integer[], row_lines bigint[], lead_ids uuid[], columns text[][], evidence_ids uuid[], evidence text[])
  returns table (n bigint, lead_id uuid, duplicate_of uuid, duplicate_line bigint, is_of_import boolean, reason text)
  volatile language plpgsql as $$
begin
  raise exception 'replaced below';
end $$;
drop function app.intake_rows(uuid, smallint, uuid[], bytea[], integer[], bytea[], integer[], bigint[], uuid[], text[][], uuid[], text[]);
