-- Creates the owner of the database for docker-compose.yml: a login that may create roles and is no superuser, and its database.
-- Runs at each start as the superuser of PostgreSQL, and changes nothing but the password when all is there. The password comes by
-- the environment, so that no command line has it.
\set ON_ERROR_STOP on
\getenv password DATABASE_PASSWORD
-- The statements below contain the password.
set log_statement = 'none';
set log_min_duration_statement = -1;
set log_min_error_statement = 'panic';

select 'create role billing_owner login createrole'
where not exists (select from pg_roles where rolname = 'billing_owner') \gexec
alter role billing_owner login createrole nosuperuser nocreatedb noreplication nobypassrls password :'password';

select 'create database billing owner billing_owner'
where not exists (select from pg_database where datname = 'billing') \gexec
alter database billing owner to billing_owner;

-- In a database of earlier releases these roles were made by the superuser.
select format('grant %I to billing_owner with admin option', rolname)
from pg_roles where rolname like 'clinic\_%' and not exists (
    select from pg_auth_members
    where roleid = pg_roles.oid and member = 'billing_owner'::regrole and admin_option
) \gexec
