CREATE TABLE kitten (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO kitten (name) VALUES ('Minka'), ('Tom');
