"""What a migration does is read out of its file; `adds` is claimed only where nothing that is there is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.sop.migrations import ADDS, CHANGES, LONGEST, UNKNOWN, Migration, classify

LAB = Path(__file__).parents[2] / "lab"

ADD_ONLY = [
    "op.create_table('vote', sa.Column('id', sa.Integer, primary_key=True))",
    "op.add_column('bug', sa.Column('votes', sa.Integer))",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), nullable=True))",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), nullable=False, server_default='0'))",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), nullable=False, server_default=sa.text('0')))",
    "op.add_column('bug', sa.Column('n', sa.Integer(), sa.Identity(), nullable=False))",
    "op.create_index(op.f('ix_bug_votes'), 'bug', ['votes'], unique=False)",
    "op.bulk_insert(sa.table('kind', sa.column('name')), [{'name': 'blocker'}])",
    "postgresql.ENUM('a', 'b', name='kind').create(op.get_bind(), checkfirst=True)",
    "with op.batch_alter_table('bug') as batch:\n        batch.add_column(sa.Column('n', sa.Integer()))",
    "op.execute('CREATE INDEX ix ON bug (votes)')",
    "op.execute(sa.text('INSERT INTO kind (name) VALUES (:name)').bindparams(name='blocker'))",
    "op.execute(kind.insert().values(name='blocker'))",
    "bind = op.get_bind()\n    bind.execute(sa.text('SELECT count(*) FROM bug'))",
    "op.create_table('new', sa.Column('id', sa.Integer))\n"
    "    op.create_unique_constraint('u', 'new', ['id'])\n"
    "    op.create_index('ix', 'new', ['id'], unique=True)\n"
    "    op.alter_column('new', 'id', nullable=False)",
    "op.add_column('bug', sa.Column('at', sa.DateTime(), nullable=False, server_default=sa.func.now()))",
    "op.add_column('bug', sa.Column('at', sa.DateTime(), nullable=False, server_default=sa.text('now()')))",
    "op.add_column('bug', sa.Column('at', sa.Text(), nullable=False, server_default=\"it's(\"))",
    "op.add_column('bug', sa.Column('b', sa.Boolean(), nullable=False, server_default=sa.false()))",
    "op.execute(kind.insert().values(name=sa.func.lower('X')))",
    "if not sa.inspect(op.get_bind()).has_table('x'):\n        op.create_table('x', sa.Column('id', sa.Integer))",
    "for name in ('a', 'b'):\n        op.add_column(name, sa.Column('n', sa.Integer()))",
    "pass",
]

CHANGE = [
    "op.drop_column('bug', 'summary')",
    "op.drop_table('bug')",
    "op.alter_column('bug', 'summary', new_column_name='title')",
    "op.alter_column('bug', 'summary', existing_type=sa.Text(), nullable=False)",
    "op.alter_column('bug', 'summary', type_=sa.String(10))",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), nullable=False))",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), default=0, nullable=False))",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), nullable=False, server_default=None))",
    "op.create_index('ix', 'bug', ['votes'], unique=True)",
    "op.create_foreign_key('fk', 'bug', 'user', ['user_id'], ['id'])",
    "op.create_unique_constraint('u', 'bug', ['votes'])",
    "op.rename_table('bug', 'ticket')",
    "op.execute('UPDATE bug SET votes = 0')",
    "op.execute(f'DROP TABLE {NAME}')",
    "op.execute('DELETE FROM %s' % NAME)",
    "op.execute(kind.delete())",
    "op.execute(sa.update(kind).values(name='x'))",
    "op.get_bind().execute(sa.text('DELETE FROM bug'))",
    "with op.batch_alter_table('bug') as batch_op:\n        batch_op.drop_column('summary')",
    "with op.batch_alter_table('a') as b:\n        b.add_column(sa.Column('n', sa.Integer()))\n"
    "    with op.batch_alter_table('bug') as b:\n        b.alter_column('summary', nullable=False)",
    "drop = op.drop_table\n    drop('bug')",
    "helper()",
    "if op.get_bind().dialect.name == 'mysql':\n        pass\n    else:\n        op.drop_column('bug', 'summary')",
    # A table that may have been there before is not surely new.
    "if True:\n        op.create_table('bug')\n    op.drop_column('bug', 'summary')",
    "op.create_table('bug', if_not_exists=True)\n    op.drop_column('bug', 'summary')",
    "op.create_table('bug', schema='other')\n    op.drop_column('bug', 'summary')",
    "sql = 'CREATE TABLE x (id int)'\n    op.execute(sql)\n    op.execute('TRUNCATE bug')",
    "op.create_table('Bug')\n    op.drop_table('bug')",
    "op.create_table('Bug')\n    op.execute('DROP TABLE Bug')",
    "op.create_table('bug')\n    op.execute('DROP TABLE \"Bug\"')",
    "op.execute('CREATE TEMP TABLE bug (id int)')\n    op.drop_table('bug')\n    op.drop_table('bug')",
    "op.create_table('bug')\n    op.rename_table('bug', 'b')\n    op.drop_table('bug')",
]

NOT_TOLD = [
    "op.execute(SQL_OF_THE_OTHER)",
    "op.execute('DO $$ BEGIN PERFORM 1; END $$')",
    "op.execute(f'CREATE INDEX {NAME} ON bug (votes)')",
    "op.execute('SELECT give_rights()')",
    "sql = 'SELECT 1'\n    sql += open('x').read()\n    op.execute(sql)",
    "op.run_async(models.fill)",
    "op.add_column('bug', *COLUMNS)",
    "op.add_column('bug', sa.Column('votes', sa.Integer(), nullable=NAME is None))",
    "op.create_index('ix', 'bug', ['votes'], unique=NAME == 'x')",
    "models.Base.metadata.create_all(op.get_bind())",
    "from app import db\n    db.session.execute('DROP TABLE bug')",
    "session = sa.orm.Session(bind=op.get_bind())\n    session.query(kind).update({'name': 'x'})",
    "list(map(op.drop_table, ['bug']))",
    "getattr(op, 'drop_table')('bug')",
    "exec('op.drop_table(1)')",
    "op = models\n    op.create_table('x')",
    "for op in [op]:\n        op.create_table('x')",
    "functools.partial(op.drop_table, 'bug')()",
    "(lambda o: o.drop_table('bug'))(op)",
    "models.fill(op.get_bind())",
    "op.get_bind().execute(sa.select(sa.func.drop_all_of_it()))",
    "sa.create_engine('x').execute('DROP TABLE bug')",
    "sa.DDL('DROP TABLE bug').execute(op.get_bind())",
    "global NAME",
    "op.add_column('bug', sa.Column('n', sa.Integer(), server_default=sa.text('wipe()')))",
    "op.add_column('bug', sa.Column('n', sa.Integer(), server_default=sa.func.wipe()))",
    "op.add_column('bug', sa.Column('n', sa.Integer(), server_default=models.DEFAULT))",
    "op.add_column('bug', sa.Column('n', sa.Integer(), sa.CheckConstraint('summary IS NOT NULL')))",
    "op.execute(sa.select(sa.literal_column('wipe()')))",
    "op.execute(sa.select(sa.sql.func.wipe()))",
    "op.execute(kind.insert().from_select(['name'], sa.delete(kind).returning(kind.c.name)))",
    # Methods of the file's own classes may be called by any name, and by no call at all.
    "class H:\n        @staticmethod\n        def get_all():\n            op.drop_table('bug')\n    H.get_all()",
    "class H:\n        @property\n        def x(self):\n            op.drop_table('bug')\n    NAME.x",
    "with sa.orm.Session(op.get_bind()) as s:\n        s.scalars(sa.select(kind)).first().name = None",
]


def python(does: str) -> Migration:
    head = (
        '"""count votes"""\nimport functools\nimport sqlalchemy as sa\nfrom alembic import op\n'
        "from sqlalchemy.dialects import postgresql\nfrom app import models\n"
        "revision = '2b7f3'\nNAME = 'bug'\nkind = sa.table('kind', sa.column('name'))\n"
        "def helper():\n    op.drop_table('old')\n"
        "def downgrade():\n    op.drop_table('bug')\n"
    )
    return classify("/x/versions/2b7f3.py", f"{head}def upgrade():\n    {does}\n")


@pytest.mark.parametrize("does", ADD_ONLY)
def test_what_only_adds_is_said_to(does: str) -> None:
    assert python(does).verdict == ADDS, python(does)


@pytest.mark.parametrize("does", CHANGE)
def test_what_changes_what_is_there_is_said_to(does: str) -> None:
    assert python(does).verdict == CHANGES, python(does)


@pytest.mark.parametrize("does", NOT_TOLD)
def test_what_cannot_be_followed_is_not_guessed(does: str) -> None:
    assert python(does).verdict == UNKNOWN, python(does)


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("CREATE TABLE vote (id serial PRIMARY KEY, n int NOT NULL)", ADDS),
        ("create table if not exists a.b (id int)", ADDS),
        ("ALTER TABLE bug ADD COLUMN votes int", ADDS),
        ("ALTER TABLE bug ADD votes int NOT NULL DEFAULT 0, ADD COLUMN x numeric(3, 2)", ADDS),
        ("ALTER TABLE ONLY public.bug ADD COLUMN IF NOT EXISTS votes int", ADDS),
        ("ALTER TYPE kind ADD VALUE 'late'", ADDS),
        ("CREATE INDEX CONCURRENTLY ix ON bug (votes)", ADDS),
        ("INSERT INTO bug VALUES (1, 'DROP TABLE; --')", ADDS),
        ("BEGIN; COMMENT ON TABLE bug IS 'x'; SET lock_timeout = '5s'; COMMIT", ADDS),
        ("/* DROP TABLE bug; /* nested */ */ -- DROP TABLE bug\nSELECT 1", ADDS),
        ("CREATE FUNCTION f() RETURNS int AS $body$ DELETE FROM bug; $body$ LANGUAGE sql", ADDS),
        ("CREATE TABLE t (a int); ALTER TABLE t ALTER COLUMN a SET NOT NULL; UPDATE t SET a = 1", ADDS),
        ("", ADDS),
        ("CREATE TABLE a WITH (fillfactor=70) AS SELECT count(*) FROM bug WITH NO DATA", ADDS),
        ("CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY, b varchar(3) DEFAULT lower('X'))", ADDS),
        ("CREATE MATERIALIZED VIEW a AS (SELECT 1)", ADDS),
        ("CREATE TABLE Bug (id int); DROP TABLE BUG", ADDS),
        ("ALTER TABLE bug ADD at timestamp NOT NULL DEFAULT now()", ADDS),
        ("ALTER TABLE bug ADD votes int NOT NULL", CHANGES),
        ("ALTER TABLE bug ADD votes int NOT NULL DEFAULT NULL", CHANGES),
        ("ALTER TABLE bug ADD votes int, DROP COLUMN summary", CHANGES),
        ("ALTER TABLE bug RENAME COLUMN summary TO title", CHANGES),
        ("ALTER TABLE bug RENAME summary TO title", CHANGES),
        ("ALTER TABLE bug RENAME TO ticket", CHANGES),
        ("ALTER TABLE bug ADD CONSTRAINT c CHECK (votes > 0)", CHANGES),
        ("ALTER TABLE bug ADD code text UNIQUE DEFAULT 'x'", CHANGES),
        ("ALTER TABLE bug ALTER summary TYPE varchar(10)", CHANGES),
        ("CREATE UNIQUE INDEX ix ON bug (votes)", CHANGES),
        ("CREATE TRIGGER t BEFORE INSERT ON bug EXECUTE FUNCTION f()", CHANGES),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", CHANGES),
        ("DROP VIEW v", CHANGES),
        ("delete from bug", CHANGES),
        ("TRUNCATE bug, vote", CHANGES),
        ("INSERT INTO bug VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 2", CHANGES),
        ("WITH gone AS (DELETE FROM bug RETURNING *) INSERT INTO old SELECT * FROM gone", CHANGES),
        ("CREATE TABLE IF NOT EXISTS t (a int); ALTER TABLE t DROP COLUMN a", CHANGES),
        ("CREATE TABLE gone AS WITH d AS (DELETE FROM bug RETURNING *) SELECT * FROM d", CHANGES),
        ("CREATE TABLE gone AS (WITH d AS (DELETE FROM bug RETURNING *) SELECT * FROM d)", CHANGES),
        ("INSERT INTO a WITH d AS (DELETE FROM bug RETURNING *) SELECT * FROM d", CHANGES),
        ('CREATE TABLE "Bug" (id int); DROP TABLE bug', CHANGES),
        ("CREATE TABLE n (i int); DROP TABLE n, bug", CHANGES),
        ("CREATE TEMP TABLE bug AS SELECT 1; DROP TABLE bug; DROP TABLE bug", CHANGES),
        ("CREATE TABLE n (i int); ALTER TABLE n RENAME TO m; DROP TABLE n", CHANGES),
        ("CREATE TABLE a AS SELECT wipe_everything()", UNKNOWN),
        ("CREATE TABLE a SELECT wipe_everything()", UNKNOWN),
        ("CREATE MATERIALIZED VIEW a AS SELECT wipe_everything()", UNKNOWN),
        ("SELECT app.replace(1)", UNKNOWN),
        ("SELECT 'DROP TABLE bug' \\gexec", UNKNOWN),
        ("ALTER TABLE bug ADD x int DEFAULT wipe()", UNKNOWN),
        ("ALTER TABLE bug ADD x int CHECK (summary IS NOT NULL)", UNKNOWN),
        ("CREATE OR REPLACE TABLE bug (id int)", CHANGES),
        ("DO $$ BEGIN DELETE FROM bug; END $$", UNKNOWN),
        ("CALL mend()", UNKNOWN),
        ("COPY bug FROM PROGRAM 'x'", UNKNOWN),
        ("SELECT mend(id) FROM bug", UNKNOWN),
        ("INSERT INTO bug SELECT mend(1)", UNKNOWN),
        ("\\i other.sql", UNKNOWN),
        ("CREATE TABLE {{ name }} (id int)", UNKNOWN),
        ("INSERT INTO bug VALUES ('it\\'s'); DROP TABLE bug; SELECT ''", UNKNOWN),
        ("INSERT INTO bug VALUES ('never ends", UNKNOWN),
        ("/*!50001 DROP TABLE bug */", UNKNOWN),
        ("CREATE ROLE x", UNKNOWN),
    ],
)
def test_each_kind_of_statement_is_known_for_what_it_does(statement: str, verdict: str) -> None:
    assert classify("/migrations/0002.sql", statement).verdict == verdict, classify("0002.sql", statement)


@pytest.mark.parametrize("mark", ["-- +goose {}", "-- migrate:{}", "-- +migrate {}"])
def test_of_a_file_for_both_directions_only_the_way_up_counts(mark: str) -> None:
    up, down = mark.format("Up"), mark.format("Down")
    assert classify("1.sql", f"{up}\nCREATE TABLE t (a int);\n{down}\nDROP TABLE t;").verdict == ADDS
    assert classify("1.sql", f"CREATE TABLE x (a int);\n{down}\nDROP TABLE t;").verdict == CHANGES


def test_the_labs_own_migrations_are_told_right() -> None:
    versions = LAB / "app/blockerbugs/migrations/versions"
    first, renames, breaks = (classify(p.name, p.read_text()) for p in sorted(versions.glob("*.py")))
    assert (first.verdict, first.whole) == (ADDS, True)
    assert (renames.text, renames.whole) == (
        "v1_1_0.py: changes what is there: renames the column bug.summary to title",
        True,
    )
    assert (breaks.verdict, breaks.whole) == (CHANGES, False)
    assert "changes rows of bug" in breaks.text
    kitten = classify("0002.sql", (LAB / "kittens/migrations/0002.sql").read_text())
    assert kitten.text == "0002.sql: changes what is there: renames the column kitten.name to full_name"


def test_what_is_not_told_says_where_it_stands() -> None:
    assert python("op.execute(SQL)").text == (
        "2b7f3.py: cannot tell what it does: line 15: SQL that is put together when it runs"
    )


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("x.py", "print 'python 2'", "it cannot be read as Python 3 (line 1)"),
        ("x.py", "def downgrade(): pass", "it has no upgrade() of its own"),
        ("x.py", "def upgrade(): pass\nupgrade = None", "it has no upgrade() of its own"),
        ("x.py", "\0", "it cannot be read as Python 3"),
        ("x.py", "x = " + "-" * 60_000 + "1\ndef upgrade(): pass", "be read"),
        ("x.mako", "def upgrade(): pass", "it is neither Python nor SQL"),
        ("0001.down.sql", "DROP TABLE t", "by its name it takes another migration back"),
        ("x.sql", "x" * (LONGEST + 1), "it is longer than 64 kB"),
    ],
)
def test_a_file_that_cannot_be_read_is_no_surprise(file: str, text: str, why: str) -> None:
    found = classify(file, text)
    assert (found.verdict, found.whole) == (UNKNOWN, False)
    assert why in found.why[0]


def test_S10_what_a_file_says_of_itself_is_short_and_has_no_control_characters() -> None:
    found = python("\n    ".join(f"op.drop_table('\\x1b[31m{n}{'x' * 500}')" for n in range(50)))
    assert len(found.why) == 7
    assert found.why[-1] == "and 44 more"
    assert all(len(why) <= 200 and why.isprintable() for why in found.why)


def test_a_file_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    classify("x.py", f"open({str(mark)!r}, 'w')\ndef upgrade(x=open({str(mark)!r}, 'w')): open({str(mark)!r}, 'w')")
    assert not mark.exists()


def test_a_file_that_multiplies_itself_is_read_in_a_moment() -> None:
    doubles = "\n".join(f"a{n + 1} = a{n} + a{n}" for n in range(60))
    calls = "\n".join(f"def f{n + 1}():\n    f{n}(); f{n}()" for n in range(60))
    chain = "sa.select()" + ".where()" * 200
    body = f"import sqlalchemy as sa\nfrom alembic import op\na0 = 'xxxxxxxx'\n{doubles}\ndef f0(): pass\n{calls}\n"
    found = classify("x.py", f"{body}def upgrade():\n    op.execute(a60)\n    f60()\n    op.execute({chain})\n")
    assert found.verdict == UNKNOWN


@given(st.text(alphabet="adopCREATETABLE dropx.;'\"$()/*-\\\n=:[]{},1", max_size=200))
@example("'")
@example("def upgrade(")
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    for file in ("a.py", "a.sql"):
        assert classify(file, text).verdict in (ADDS, CHANGES, UNKNOWN)


@given(st.lists(st.sampled_from(ADD_ONLY), max_size=4), st.sampled_from(CHANGE), st.lists(st.sampled_from(ADD_ONLY)))
def test_nothing_beside_it_hides_what_changes(before: list[str], change: str, after: list[str]) -> None:
    assert python("\n    ".join([*before, change, *after])).verdict in (CHANGES, UNKNOWN)


@given(st.lists(st.sampled_from(ADD_ONLY + CHANGE), max_size=3), st.sampled_from(NOT_TOLD))
def test_nothing_beside_it_makes_sure_of_what_cannot_be_told(beside: list[str], unclear: str) -> None:
    assert python("\n    ".join([*beside, unclear])).verdict != ADDS
