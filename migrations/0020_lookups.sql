-- What the API looks up beside the work itself.

-- A lead's decisions, newest first, as every list pages: by id, which sorts by creation.
drop index decisions_by_lead;
create index decisions_by_lead on decisions (org_id, lead_id, id desc);

-- What the chain says of one row. Ids of a kind sort by creation, so that appends meet in the same few pages.
set local role dialgate_audit;
create index payload_by_subject on audit.payload (org_id, subject_text, seq);
set local role dialgate_migrator;
