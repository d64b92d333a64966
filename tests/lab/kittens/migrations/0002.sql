ALTER TABLE kitten RENAME COLUMN name TO full_name;
