ALTER ROLE blockerbugs PASSWORD '$password';
DROP DATABASE IF EXISTS blockerbugs_stg WITH (FORCE);
DROP DATABASE IF EXISTS blockerbugs_prod WITH (FORCE);
CREATE DATABASE blockerbugs_stg TEMPLATE fresh OWNER blockerbugs;
CREATE DATABASE blockerbugs_prod TEMPLATE fresh OWNER blockerbugs;
