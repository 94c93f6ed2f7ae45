-- expects: audit_write_grant
set local role dialgate_audit;
grant insert on audit.entry to dialgate_app;
