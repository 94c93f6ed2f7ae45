-- expects: app_role_grant
grant truncate on public.leads to dialgate_app;
