"""What is found to be a secret in a text, what is not, and that looking takes time in proportion to the text."""

from __future__ import annotations

import re
import time

import pytest

from plum_lsp.feedback.sensitive import find_secrets
from plum_lsp.feedback.sensitive.data import read
from plum_lsp.feedback.sensitive.names import Meaning, meaning

PASSWORD = "Tr0ub4dor" + "&3x"
WORD = "01HgV2V7" + "WErYOT"
TOKEN = "q7Zk2Lw9" + "XvB4nT6mRc3P"


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in find_secrets(text)]


@pytest.mark.parametrize(
    "code",
    [
        'password = f"{}"',
        'password = b"{}"',
        'password = r"{}"',
        'password = """{}"""',
        'password: Final[str] = "{}"',
        'self.db_password = "{}"',
        'config["db"]["password"] = "{}"',
        'os.environ["DB_PASSWORD"] = "{}"',
        'user, password = "bob", "{}"',
        'if (password := "{}"):\n    pass',
        'if password == "{}":\n    pass',
        'if "{}" != form.password:\n    pass',
        'if password in ("a", "{}"):\n    pass',
        'match password:\n    case "{}":\n        pass',
        'settings = {{"password": "{}"}}',
        'connect(user="bob", password="{}")',
        'def connect(user, password="{}"): ...',
        'os.getenv("DB_PASSWORD", "{}")',
        'monkeypatch.setenv("DB_PASSWORD", "{}")',
        'add_argument("--password", default="{}")',
        'requests.get(url, auth=("bob", "{}"))',
        'server.login("bob", "{}")',
        'def get_password():\n    return "{}"',
        'AES.new(b"{}", AES.MODE_CBC)',
        'hashlib.pbkdf2_hmac("sha256", b"{}", salt, 1)',
        'child.sendline("{}")  # password',
        'child.expect("assword:")\nchild.sendline("{}")',
        'password = get() or "{}"',
        'rows = [["name", "password"], ["bob", "{}"]]',
        'users = dict(zip(("user", "password"), ("bob", "{}")))',
        'execute("UPDATE users SET password = %s", ("{}",))',
        'password = codecs.decode("{}", "rot13")',
        'Bot("bob", "{}")',
        'run("sw1", "root", "{}")',
        'getenv("BACKUP_PASSPHRASE", "{}")',
        'ADMIN = ("bob", "{}")',
        'create_user("bob", "bob@corp.io", "{}")',
        'load_pem_private_key(data, b"{}")',
        '{{"name": "DB_PASSWORD", "value": "{}"}}',
        'token = jwt.encode(payload, "{}", algorithm="HS256")',
    ],
)
def test_a_literal_under_the_name_of_a_secret_is_one(code: str) -> None:
    """Whatever the form of the literal, and however it hangs on the name."""
    assert found(code.format(PASSWORD)) == [PASSWORD]


def test_a_secret_in_pieces_goes_piece_by_piece() -> None:
    """Literals that are joined, by a plus sign or by nothing, are one value."""
    code = 'x = ("ghp_"\n     "' + TOKEN + '") + "abcd1234"\n'
    assert found(code) == ["ghp_", TOKEN, "abcd1234"]
    assert PASSWORD in found('url = "https://" + "user:" + "' + PASSWORD + '" + "@host"\n')


@pytest.mark.parametrize(
    "line",
    [
        "DB_PASSWORD={}",
        "export DB_PASSWORD={}",
        "password: {}",
        "db.password = {}",
        "PGPASSWORD={} psql -U bob",
        "tool --password {} --verbose",
        "curl -u bob:{} https://example.com",
        "mysql -u root -p{} app",
        "machine example.com login bob password {}",
        "# the password is {}",
        "Server=db;User Id=sa;Password={};Encrypt=true",
        "<password>{}</password>",
        "CREATE USER bob IDENTIFIED BY '{}'",
        "requirepass {}",
        '#define WIFI_PASSWORD "{}"',
        'set(SIGNING_PASSWORD "{}")',
        'variable "db_password" {{\n  default = "{}"\n}}',
        "| user | password |\n|---|---|\n| bob | {} |",
        "username,password\nbob,{}",
        "INSERT INTO users (name, password) VALUES ('bob', '{}')",
        "# login: bob:{}",
        "# creds: bob / {}",
        "# temporary password for staging: {}",
        "# prod: bob / {}",
        '<property name="db.password">{}</property>',
        "<name>password</name>\n<value>{}</value>",
        "<password><![CDATA[{}]]></password>",
        "<auth-user-pass>\nbob\n{}\n</auth-user-pass>",
        '(connect :db-password "{}")',
        "rocommunity {}",
        "the password ``{}`` is old",
        "echo 'bob:{}' | chpasswd",
        'DriverManager.getConnection(url, "root", "{}");',
        'expect "assword:"\nsend "{}\\r"',
        "# root / {}",
    ],
)
def test_a_line_of_another_language_is_read(line: str) -> None:
    """Environment files, YAML, properties, commands, prose, connection strings, XML and SQL."""
    assert any(PASSWORD in secret for secret in found(line.format(PASSWORD)))


@pytest.mark.parametrize(
    "line",
    [
        'URL = "mssql:///?odbc_connect=UID%3Dsvc%3BPWD%3D{}%3B"',
        'link = "https://h/cb?next=%2Fx%3Fpassword%3D{}%26b%3D1"',
        r"""body = '{{"payload": "{{\\"password\\": \\"{}\\"}}"}}'""",
    ],
)
def test_a_value_in_an_escaped_part_goes(line: str) -> None:
    """An address in an address and JSON in JSON are read without their escapes. What stands around the value stays."""
    assert found("import os\n" + line.format(WORD)) == [WORD]


LETTERS, PHRASE = "FPaeWYAF" + "pzyoib", "lantern otter " + "amber copper"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("web1 ansible_user=ops ansible_become_pass={}\n", LETTERS),
        ("jdbc:sqlserver://sql:1433;databaseName=hr;user=sa;password={};\n", LETTERS),
        ("id,login,password\n1,ada,{}\n", LETTERS),
        ("sshpass -p {} scp build.tgz deploy@host:/srv\n", LETTERS),
        ("username admin privilege 15 password 7 {}\n", LETTERS),
        ("snmp-server community {} RW\n", LETTERS),
        ("#cloud-config\nchpasswd:\n  list: |\n    root:{}\n", LETTERS),
        ('login = Field(default=SecretStr("{}"), description="of the relay")', PHRASE),
        ('# drop the old passphrase "{}" later', PHRASE),
        ("gpg --batch --passphrase '{}' -d backup.gpg\n", PHRASE),
        ('The passphrase for the key is "{}".\n', PHRASE),
        ("Driver={{ODBC Driver 17 for SQL Server}};UID=etl;PWD={};Timeout=3\n", WORD),
        ("DSN=sap;UID=reader;PWD={{{}}};\n", PASSWORD),
        ("ALTER USER 'old' IDENTIFIED WITH mysql_native_password BY '{}';\n", "birch" + "91"),
        ("clave de acceso = {}\n", WORD),
        ("mot de passe : {}\n", "Harbor_" + "2648h"),
        ('replica = URL.create("postgresql", "reader", "{}", "10.0.3.8")', "Granite_" + "2573q"),
        ('def password_of(stage):\n    match stage:\n        case "a":\n            return "{}"\n', "Ember-" + "1623L"),
        ("dsn = f\"postgresql://{{f'{{user}}'}}:{}@{{HOST}}/db\"\n", LETTERS),
        ('RECOVERY_CODES = ("{}",)', "123a7-" + "178b5"),
        ("Recovery codes:\n{}\n", "24c20-" + "a0a4c"),
        ("2FA seed: {}\n", "R58V HDEN " + "09ZB N9DA"),
        ("PUK: {}\n", "9448" + "8060"),
        ("openssl enc -aes-128-cbc -K {} -in b.enc\n", "1944cf368dbdec20" + "3822fb2f3a70100e"),
        ("FAILED tests/test_web.py::test_login[ada-{}]\n", LETTERS),
    ],
)
def test_a_password_of_letters_or_words_goes_by_its_place(line: str, secret: str) -> None:
    """Letters of both cases that follow each other as in no word, several words, and few digits."""
    assert any(secret in one for one in found(line.format(secret))), found(line.format(secret))


@pytest.mark.parametrize(
    "line",
    [
        "web1 ansible_become_pass=readFromKeyring\n",
        'Field(default=SecretStr(""), description="the login of the relay")',
        "TOKEN_KINDS = {a, b}\nPWD={name};\n",
        "tests/test_web.py::test_login[ada-firefox-headless]\n",
        'The password is "required".\n',
        "You can pass precision=f64x2 to the call, or pass ``dtype=i32x4``.\n",
    ],
)
def test_words_in_the_place_of_a_password_stay(line: str) -> None:
    """Names of code, empty values and settings."""
    assert found(line) == []


def test_a_password_that_begins_with_an_escape_goes() -> None:
    """`%23d` and letters behind it are no format of a number."""
    assert found("# amqps://svc:%23dPaRXLujTpwr@host/%2F") == ["svc:%23dPaRXLujTpwr"]


def test_a_format_of_numbers_is_no_escape() -> None:
    """`%3d` is also the sign that ends a name in an address."""
    assert found("import os\nprint('key=%3d%s' % (key, password))\nprint('password: %3d of %8.2f' % pair)") == []


@pytest.mark.parametrize(
    "address",
    [
        "redis://:{}@host:6379/0",
        "postgres://bob:{}@host/db",
        "mongodb+srv://bob:{}/x@host.net",
        "mysql+pymysql://b:{}@h",
    ],
)
def test_the_login_of_an_address_goes(address: str) -> None:
    """Also without a user, and with a slash in the password."""
    assert PASSWORD not in "".join(re.split("|".join(map(re.escape, found(address.format(PASSWORD)))), address))
    assert any(PASSWORD in secret for secret in found(address.format(PASSWORD)))


@pytest.mark.parametrize(
    "code",
    [
        "SECRET_KEY = 0x{}",
        'client = Search("a", "{}")',
        'key = b"".join([b"{}", b"x"])',
        'url = "https://api.x.io/find?appid={}"',
        'rpc = "https://rpc.x.io/v3/{}"',
        'url = base + "?api_key=" + "{}"',
        'CLOUDS = {{"one": "{}"}}',
        'header = "Token {{}}".format("{}")',
        'send(to, "{}")',
        'PRIV = "{}"',
        'api_key = "-".join(["{}", "abcdefgh"])',
    ],
)
def test_a_key_in_hexadecimal_goes_by_its_place(code: str) -> None:
    """A number, an argument of a constructor, an item, and a part of an address."""
    key = "3e21f9a7" + "c04b8d65" * 2 + "17aa90e2"
    assert any(key in secret for secret in found(code.format(key)))


@pytest.mark.parametrize(
    "text",
    [
        'text.startswith("{}")',
        'cookies = {{"sessionid": "{}"}}',
        'x = "{}"',
        'x = "id7:{}"',
        "# the deployment:\n# {}\n",
        '"text": ["token: {}\\n"]',
    ],
)
def test_letters_that_follow_each_other_as_in_no_word_are_a_key(text: str) -> None:
    """Also without digits in between, with and without a name."""
    key = "vprQQvoczASkBejf" + "edImqHOgyGRFqmgQ"
    assert found(text.format(key + "7")) != []
    words = "readConfigurationOfServer" + "AndReturnItsValues7"
    assert found(text.format(words)) == []


def test_a_number_is_a_secret_only_under_its_own_name() -> None:
    """A PIN is one, and the lifetime of a credential is none."""
    assert found("pin = 4821\n") == ["4821"]
    assert found("credential_duration_seconds: int = 3600\n") == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('ACCOUNTS = [("bob@corp.io", "amber53")]', "amber53"),
        ('cookies = {"JSESSIONID": "ajax:6741397862502487861"}', "ajax:6741397862502487861"),
        ('SECURITY_ANSWER = "otter33"', "otter33"),
        ("api_key = \"-\".join(['wHyoxgcX', '4ytqVn8y'])", "wHyoxgcX"),
        ('read("[db]\\npw = otter33\\n")', "otter33"),
        ("# the PIN of the alarm is 225642\n", "225642"),
        ('"""hey, the new pass for staging is otter33, do not share it"""', "otter33"),
        ('[Service]\nEnvironment="LOG=info"\nEnvironment=DB_PW=otter33\n', "otter33"),
        ('  test: ["CMD", "redis-cli", "-a", "otter3344"]\n', "otter3344"),
        ('phone.unlock("874633")', "874633"),
        ('AUTH = "bob:otter33"', "bob:otter33"),
        ('auth = f"{user}:otter33"', "{user}:otter33"),
        ("${PASSWORD}    otter33\n", "otter33"),
        ('TABLE = """user,password,role\nbob,otter33,admin\n"""', "otter33"),
        ("# Zugang zum Server: Benutzer admin, Passwort otter33\n", "otter33"),
        ("# 密码：otter33\n", "otter33"),
        (
            'headers = "x-team=hcaik_zdheeqvdxwuyocrybazehsbuwjeuiqunwyddcj"',
            "hcaik_zdheeqvdxwuyocrybazehsbuwjeuiqunwyddcj",
        ),
        (
            'get("https://api.telegram.org/bot8136915432:AA3i0uthd35TBu8PO2jclbDOPsChHYDeApK/x")',
            "bot8136915432:AA3i0uthd35TBu8PO2jclbDOPsChHYDeApK",
        ),
        ("# la password di prova è otter33\n", "otter33"),
        ("# das Passwort lautet otter33\n", "otter33"),
        ('auth_data = [("digest", "bob:otter33")]', "bob:otter33"),
        ('PROXIES = ["10.0.0.1:8080:bob:otter33"]', "otter33"),
        ("os.system(\"echo -n 'otter33' | cryptsetup luksOpen /dev/sdb x -\")", "otter33"),
        ('u = "https://x.io/1?key=998a26259bebd2fa5880587061ce6936"', "998a26259bebd2fa5880587061ce6936"),
        ("- **Password:** otter33\n", "otter33"),
        ("export GH_PAT=" + TOKEN + "Kq7W\n", TOKEN + "Kq7W"),
        ('u = "https://webhook.x.io/a/' + TOKEN + 'Kq7W"', TOKEN + "Kq7W"),
        (
            "PRIVATE_EXPONENT = 813691543214558358650557853352230767694291244\n",
            "813691543214558358650557853352230767694291244",
        ),
        (
            'c = "session=eyJmLDJp4FK67R4TdzQYzYORX8v0yz8foP.YtatFM.b8h4ZEAAMtDjvInfwz2DNcsvfrl"',
            "eyJmLDJp4FK67R4TdzQYzYORX8v0yz8foP.YtatFM.b8h4ZEAAMtDjvInfwz2DNcsvfrl",
        ),
    ],
)
def test_a_short_secret_goes_by_what_is_said_of_it(text: str, secret: str) -> None:
    """By the name of its list or its call, also behind an escaped line end, and by a sentence that goes on."""
    assert secret in found(text)


@pytest.mark.parametrize(
    "code",
    [
        'assert sha(data) == "{}"',
        'load("corp/model", revision="{}")',
        'UUID("{}")',
        'page = fetch(page_id="{}")',
        'names = ["{}", "{}", "{}", "{}", "{}"]',
    ],
)
def test_a_digest_stays_where_the_statement_says_so(code: str) -> None:
    """A statement with many of them is a table."""
    key = "3e21f9a7" + "c04b8d65" * 2 + "17aa90e2"
    assert found(code.format(*[key] * 5)) == []


@pytest.mark.parametrize("name", ["H5P.set_fapl_sec2", "vcRefAnnoString2On", "wrf_user_intrp3d"])
def test_names_of_code_in_a_list_of_tokens_stay(name: str) -> None:
    """Random words have no such pairs of letters."""
    assert found(f'tokens = {{"root": [(words(("{name}", "b")), Name)]}}\n') == []
    assert found('tokens = {"root": [(words(("q7Zk2Lw9XvB4nT6mRc3P", "b")), Name)]}\n') != []


BODY = "\n".join(
    f"MIIEv{number:02}" + "Ab3dEf9hIj+lMn0pQr5tUv/xYz1BcD7f" + "gH2jKl8nOp4rSt6vWxYzaBc" + "dE" for number in range(9)
)


@pytest.mark.parametrize("first", [0, 1, 4])
@pytest.mark.parametrize("last", [None, -1, -3])
def test_a_private_key_goes_wherever_it_is_cut(first: int, last: int | None) -> None:
    """Without its first line, without its last, and without both."""
    block = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n"
    text = "\n".join(block.splitlines()[first:last])
    assert not any(line in "".join(re.split("|".join(map(re.escape, found(text))), text)) for line in BODY.split("\n"))


def test_what_is_public_stays() -> None:
    """A certificate is no secret, and neither is the word for a key."""
    certificate = f"-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----\n"
    assert found(certificate) == []
    assert found('if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    key = text\n') == []


@pytest.mark.parametrize(
    "code",
    [
        'password = getpass("Your password: ")',
        'password_field = "password"',
        'token_type = "bearer"',
        'grant = {"grant_type": "client_secret"}',
        'SECRET_FILE = "/run/secrets/db.txt"',
        'token = "identifier"',
        'token == "STRING_LITERAL_2"',
        'password = os.environ["DB_PASSWORD"]',
        'headers = {"Authorization": f"Bearer {token}"}',
        'API_KEY = "<your key here>"',
        "PASSWORD=${DB_PASSWORD}",
        'sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        'assert revision == "3e2dc4bb0f1c4be2a9d0d7f6c1e3a5b7d9f1e3c5"',
        'key = "primary_key_of_the_table"',
        'password = password.encode("latin1")',
        'hash_name = "pbkdf2_sha256"',
        '{"AWS::IAM::AccessKey": "72c2d9dd90025459"}',
        'tokens = {"root": [(r"0[xX][0-9a-fA-F]+[Ll]?", Number)]}',
        "# a factor of exp(4*pi*I)**t, see 64*R**3A",
    ],
)
def test_what_only_speaks_of_secrets_stays(code: str) -> None:
    """Labels, prompts, paths, placeholders, digests and names of other names."""
    assert found(code) == []


SIGNS = ["1f468", "1f469", "1f3fb", "1f3fc", "200d", "2764", "fe0f"]
TABLE = "".join(
    f'    ":{one}_{two}:": {{"unicode": "{one}-{two}-200d-2764-fe0f-200d-{two}"}},\n'
    for one in SIGNS[:4]
    for two in SIGNS[:4]
)


def test_words_of_a_table_stay() -> None:
    """Their parts are in other words of the table, too. A random word in the table goes, also if it is there twice."""
    key = "q7Zk2Lw9-XvB4nT6m-Rc3P8sHd"
    assert found(f"EMOJIS = {{\n{TABLE}}}\n") == []
    assert found(f'EMOJIS = {{\n{TABLE}    ":a:": {{"unicode": "{key}"}},\n    "{key}": 1,\n}}\n') == [key, key]


def test_a_password_of_common_words_goes() -> None:
    """Under the name of a secret, other words with the same parts change nothing."""
    words = "".join(f"use blue-horse-{one}\nsee {one}-blue\nask horse_{one}_1\n" for one in ("red9", "gray", "tan"))
    assert found(f'"""{words}"""\npassword = "blue-horse-red9"\n') == ["blue-horse-red9"]


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("db_password", Meaning.SECRET),
        ("dbPassword", Meaning.SECRET),
        ("X-Api-Key", Meaning.SECRET),
        ("PGPASSWORD", Meaning.SECRET),
        ("access_token", Meaning.SECRET),
        ("session_id", Meaning.TOKEN),
        ("token", Meaning.TOKEN),
        ("sort_key", Meaning.NONE),
        ("password_length", Meaning.NONE),
        ("compass", Meaning.NONE),
        ("file_sha256", Meaning.HASH),
    ],
)
def test_a_name_says_what_it_stands_for(name: str, means: Meaning) -> None:
    """By its words, however they are joined."""
    assert meaning(name) is means


def test_each_format_takes_bounded_time() -> None:
    """No repetition in the file of formats is open, and each has a mark to look for first."""
    for row in read("formats.toml")["formats"]:
        expression = re.sub(r"\[[^\]]*\]|\\.", "x", row.get("before", "") + row["body"])
        assert not re.search(r"[*+]|,\}", expression), row
        assert all(row["marks"]), row


HOSTILE = (
    "a.a.a.", "a", "1", "_", "\\", "'", "\"", "'''", "(", "[{(", "a=b=", "password=", "password=\"", "password.",
    "key, ", "token: ", "://a:", "://a:b@", "@:/", "Bearer ", "-u a:b ", "mysql -p", "sk-", "eyJa.", "eyJaaaaaaaaa.",
    "f'{", "A1b2C3d4/", "-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----",
    "login a password ", "A" * 64 + "\n", "a: b\n", "a b", "<password>", "$2b$", "$2b$10$", "ghp_", "xoxb-",
    "password is ", "#", "x:5432:a:b:", "password=a;", "a:bcdef@tcp", "oracle a/bcde@", "kind: Secret\n a: ",
    "\"password\" value=\"", "https://", "SG.aaaa.", "| a ", "a,b\n", "into a (", "echo a | ", "x * ", "user a:",
    "password ``", "into a (password) values ( ", "variable a {", "a x:", "expect('password')\n", "# \"\n",
    "Aa1#Aa1# ", "password Aa1#bbbb ", "login ", "<password>\na\n", "password a b ", "</a><a>", "f'://{",
    "[['a', 'password'], ", "'a=' ", "password 'Aa1#bbbb', ",
    "expect 'assword' ", "root / A1", "vprQQvoczASkBejfedImqHOgyGRFqmgQ7 ", "'vprQQvoczASkBejfedImqHOgyGRFqmgQ:7' ",
    "'1f468-1f3fb-200d-2764-fe0f-200d', ", "%3Dabcdefgh", "password%3D", "\\\\\"", "password\\\\\": \\\\\"a",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    """Four times the line takes about four times as long, whatever it is made of."""

    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = 1e9
        for _ in range(3):
            started = time.process_time()
            find_secrets(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(65_536) <= 8 * seconds(16_384) + 0.002
