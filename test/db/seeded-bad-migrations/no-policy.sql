-- expects: policy_missing
create table bad (org_id uuid not null, id uuid not null, note text, primary key (org_id, id));
alter table bad enable row level security; alter table bad force row level security;
comment on column bad.org_id is 'system'; comment on column bad.id is 'system'; comment on column bad.note is 'org';
