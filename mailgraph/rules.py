"""What is counted: RULES, one row a rule.  Knows no time, no file and no line form.

A rule's *program* is the syslog tag without ``[pid]``, its *text* what follows ``tag[pid]: ``; both are bytes
patterns, the text anchored at its start and confined to its line.  The first rule of a program that fits decides.
Facts: for ``--classic`` Debian's mailgraph 1.14-20+deb12u1, rule by rule; else the logs of the programs themselves
(Postfix 3.7 and 3.10, amavisd-new 2.13, rspamd 3.4, Exim 4.96 and 4.98, ...) and their sources.

By default a word counts only where the line's grammar has it: an address, a HELO name, a subject and the reply of
another server are what somebody else chose to write.

Two habits keep every pattern linear in the length of a crafted line: a word anywhere is ``.*WORD`` (one way there,
one way back), and a word *behind* another is ``(?>.*?FIRST).*SECOND``: the first FIRST decides, no other is tried.
"""

from typing import NamedTuple

HEX_ID = rb"[\dA-F]++"
LONG_ID = rb"[\dB-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]++"
QUEUE_ID = rb"(?:%b|%b)" % (HEX_ID, LONG_ID)
"""A Postfix queue id: upper-case hexadecimal, or a long id: digits and the consonants of both cases."""

ANY_ID_END = rb"[\dA-HJ-NP-TV-Zb-df-hj-np-tv-z]"
MAYBE_ID = rb"(?:%b: |NOQUEUE: |)" % QUEUE_ID
EXIM_ID = rb"[0-9a-zA-Z]{6}-[0-9a-zA-Z]{6}-[0-9a-zA-Z]{2}"
ANY_EXIM_ID = rb"[0-9a-zA-Z]{6}-(?:[0-9a-zA-Z]{6}-[0-9a-zA-Z]{2}|[0-9a-zA-Z]{11}-[0-9a-zA-Z]{4})"
"""Longer since Exim 4.97."""

AMAVIS_ID = rb"\([\w-]+\) "
NO_TAG2 = rb"(?!.*tag2=(?<=\btag2=))"
END = rb"(?=\n)"
NUMBER = rb"0*+[1-9]\d{0,5}+"
"""How often something happened: at least once, and no more digits than a crafted line may make us count."""

SMTPD = rb"postfix/(?:smtpd|postscreen)"
SENDMAIL = rb"(?:sendmail|sm-mta)"
AMAVIS = rb"amavisd?"
EXIM = rb"exim"
EXIM4 = rb"exim4?"
"""Debian's name too; by default its own main log is read, whose lines name no program."""


def anywhere(word: bytes) -> bytes:
    r"""A whole word anywhere in the text.

    ``.*`` directly before a literal lets the engine jump back to the literal's first letter; with ``\b`` between
    them it tries every byte (3 us a line of Postfix's smtp instead of 0.6).
    """
    return rb".*%b\b(?<=\b%b)" % (word, word)


POSTFIX_TAG = rb"postfix[-\w.]*+/(?:[-\w.]++/)*+"
"""What stands before the daemon's name in Postfix's tags: services and instances have a syslog_name of their own."""


class Rule(NamedTuple):
    """One row: lines of ``program`` whose text fits ``text`` count once for each of ``counters``.

    A group named ``N`` in the text holds how often.  ``needs`` names the options without which the row is not there,
    or one option behind a ``-`` with which it is not.  ``unless`` names the field (``relay=``, ``client=``) whose
    host ``--ignore-host`` may name: the line then counts nothing.  ``step`` names the method of Messages that says
    which of the counters it is in the light of earlier lines; it gets the groups of the text that are named by
    another capital letter, in their order.  ``opening`` is what stands before the text, in parts; neighbours that have
    their first parts in common have them tried once for all.
    """

    name: str
    program: bytes
    text: bytes
    counters: tuple[str, ...]
    needs: str = ""
    unless: str = ""
    step: str = ""
    opening: tuple[bytes, ...] = ()


SENT = ("sent",)
RECEIVED = ("received",)
BOUNCED = ("bounced",)
REJECTED = ("rejected",)
VIRUS = ("virus",)
SPAM = ("spam",)
GREYLISTED = ("greylisted",)
DELAYED = ("delayed",)
NOTHING = ()
DELIVERED = ("delivered",)
DEFERRED = ("deferred",)
EXPIRED = ("expired",)
SPF_PASS, SPF_NONE, SPF_FAIL = ("spf_pass",), ("spf_none",), ("spf_fail",)
DKIM_PASS, DKIM_NONE, DKIM_FAIL = ("dkim_pass",), ("dkim_none",), ("dkim_fail",)
DMARC_PASS, DMARC_NONE, DMARC_FAIL = ("dmarc_pass",), ("dmarc_none",), ("dmarc_fail",)

_LOCAL_RELAY = rb"(?=%b)(?:.*(?<![^\s\[]))?(?>[^\s\[]*?relay=(?<=\brelay=))[^\s\[]*+\[127\.0\.0\.1\]" % anywhere(
    b"status=sent"
)
_LOCAL_CLIENT = rb"%b: client=\S*\[127\.0\.0\.1\](?!\S)" % QUEUE_ID
_BLOCKED = rb"%breject: (?>.*?: 554).* blocked using" % MAYBE_ID
_QUARANTINE = rb".*quarantine spam(?<=\bquarantine spam)"

_CLASSIC = (
    Rule("smtp_local", rb"postfix/smtp", _LOCAL_RELAY, NOTHING, "ignore_localhost"),
    Rule("smtp_sent", rb"postfix/smtp", anywhere(b"status=sent"), SENT, unless="relay"),
    Rule("smtp_bounced", rb"postfix/smtp", anywhere(b"status=bounced"), BOUNCED),
    Rule("lmtp_local", rb"postfix/lmtp", _LOCAL_RELAY, NOTHING, "ignore_localhost lmtp_is_smtp"),
    Rule("lmtp_sent", rb"postfix/lmtp", anywhere(b"status=sent"), SENT, "lmtp_is_smtp", unless="relay"),
    Rule("lmtp_bounced", rb"postfix/lmtp", anywhere(b"status=bounced"), BOUNCED, "lmtp_is_smtp"),
    Rule("local_bounced", rb"postfix/(?:local|error)", anywhere(b"status=bounced"), BOUNCED),
    Rule("smtpd_local", SMTPD, _LOCAL_CLIENT, NOTHING, "ignore_localhost"),
    Rule("smtpd_received", SMTPD, rb"%b: client=\S" % QUEUE_ID, RECEIVED),
    Rule("smtpd_virbl", SMTPD, _BLOCKED + rb" virbl.dnsbl.bit.nl", VIRUS, "virbl_is_virus"),
    Rule("smtpd_rbl", SMTPD, _BLOCKED, SPAM, "rbl_is_spam"),
    Rule("smtpd_greylisted", SMTPD, rb".*Greylisted", GREYLISTED),
    Rule("smtpd_rejected", SMTPD, rb"reject: ", REJECTED, opening=(MAYBE_ID,)),
    Rule("smtpd_milter_spam", SMTPD, rb"milter-reject: .*Blocked by SpamAssassin", SPAM, opening=(MAYBE_ID,)),
    Rule("smtpd_milter_rejected", SMTPD, rb"milter-reject: ", REJECTED, opening=(MAYBE_ID,)),
    Rule(
        "cleanup_rejected",
        rb"postfix/cleanup",
        rb".*: (?:reject: (?<=%b: reject: )|discard: (?<=%b: discard: ))" % (ANY_ID_END, ANY_ID_END),
        REJECTED,
    ),
    Rule("exim_received", EXIM, EXIM_ID + rb" <= \S", RECEIVED),
    Rule("exim_sent", EXIM, EXIM_ID + rb" => \S", SENT),
    Rule("exim_rbl_spam", EXIM, rb".* rejected because \S+ is in a black list at \S", SPAM, "rbl_is_spam"),
    Rule("exim_rbl", EXIM, rb".* rejected because \S+ is in a black list at \S", REJECTED),
    Rule("exim_rejected", EXIM, rb".* rejected RCPT \S+: (?:Sender verify failed|Unknown user)", REJECTED),
    Rule("amavis_spam", AMAVIS, AMAVIS_ID + rb"(?:Passed|Blocked) SPAM(?:MY)?\b" + NO_TAG2, SPAM),
    Rule("amavis_virus", AMAVIS, AMAVIS_ID + rb"(?:Passed |Blocked )?(?:INFECTED|BANNED)\b" + NO_TAG2, VIRUS),
    Rule("amavis_quarantine", AMAVIS, AMAVIS_ID + rb"(?:Passed|Not-Delivered)\b" + _QUARANTINE, SPAM),
    Rule("spamd_spam", rb"spamd", rb"(?:spamd: )?identified spam", SPAM),
    Rule("clamsmtpd_virus", rb"clamsmtpd", rb".*status=VIRUS", VIRUS),
    Rule("clamav_intercepted", rb"clamav-milter", rb".*Intercepted", VIRUS),
    Rule("clamav_infected", rb"clamav-milter", rb"(?>.*?Message).*infected by", VIRUS),
    Rule("postgrey_both", rb"postgrey", rb"(?=.*delayed [0-9]+ seconds: client).*delay=[0-9]", DELAYED + DELAYED),
    Rule("postgrey_old", rb"postgrey", rb".*delayed [0-9]+ seconds: client", DELAYED),
    Rule("postgrey_delayed", rb"postgrey", rb".*delay=[0-9]", DELAYED),
)
"""What the original counts by the name of a program and a word of its text."""

ADDRESS = rb'<(?>[^">\n]*+>|(?:"(?:[^"\\\n]|\\[^\n])*+"@?)?+[^>\n]*+>)'
"""An address as Postfix logs it: a quoted local part may hold anything."""

LOOPBACK = rb"\[(?:127\.[\d.]++|::1)\]"

SOME_ID = rb"[\dA-Za-z]++"
"""A queue id in another server's words."""


def _delivery(relay: bytes) -> bytes:
    """A delivery agent's line up to what is said behind its status, with what it says of the relay."""
    return rb"(?P<Q>%b): to=%b, (?>orig_to=%b, |)%b[^(\n]*+\(" % (QUEUE_ID, ADDRESS, ADDRESS, relay)


_DELIVERY = (_delivery(rb"(?:relay=(?P<R>[^,\n]*+), |)"),)
_SENT = rb"(?<=, status=sent \()"
_BOUNCED = rb"(?<=, status=bounced \()"
_DEFERRED = rb"(?<=, status=deferred \()"
"""Which status it was; all before the parenthesis are Postfix's own words, and looking back costs a tenth of finding
the field."""

_ENDED = rb"250 2\.\d\.\d Ok, (?:discarded, )?id=\d(?!.*(?: id=|queued as ))(?P<A>)"
_ACCEPTED = rb"%b(?:%b|.*queued as (?P<Y>%b)\)|)" % (_SENT, _ENDED, SOME_ID)
"""``Y`` is the next server's queue id, ``A`` the way in which amavisd-new says that a message ends with it."""

_LOCAL_HOP = _delivery(rb"relay=(?P<R>[^,\s\[]*+%b[^,\n]*+), " % LOOPBACK) + _SENT

_QUEUED = rb"(?P<Q>%b): " % QUEUE_ID
_QUEUE_ID_OR_NONE = rb"(?:%b|NOQUEUE: |)" % _QUEUED
_CLIENT_IS = rb"client=(?<=[\dA-Za-z]: client=)(?<!NOQUEUE: client=)(?<!/smtpd: client=)(?<!/postscreen: client=)"
"""Behind a queue id: what else may end in a letter there is the tag, where it has no process id."""

_CLIENT = (_QUEUE_ID_OR_NONE, _CLIENT_IS + rb"(?P<C>[^,\s]++)")
_TOO_BIG = rb"warning: %bqueue file size limit exceeded" % _QUEUED
_REFUSAL = (_QUEUE_ID_OR_NONE, rb"reject: (?P<S>[A-Z-]++) from \S++ ")
_MILTER_REFUSAL = rb"milter-reject: (?P<S>[A-Z-]++) from \S++ "
_PROXY_REFUSAL = (_QUEUE_ID_OR_NONE, rb"proxy-reject: [A-Z-]++: ")
_BY_AMAVIS = rb"Reject, id=(?P<I>[\w-]++) - "
_OWN_WORDS = rb"(?:(?! said: )[^;\n])*?"
_REPLY = rb"%b(?:;(?! from=)%b){0,3}?" % (_OWN_WORDS, _OWN_WORDS)
"""As much of a reply as it takes, of its first four clauses; it ends before ``; from=<``, and before what another
server ``said: ``, which address verification tells."""

_ADDRESSED = rb"(?:%b: )?+" % ADDRESS
_TEMPORARY = rb"(?=4)(?:\d{3} )?+(?:\d\.\d++\.\d++ )?+" + _ADDRESSED
_PERMANENT = rb"(?=5)(?:\d{3} )?+(?:\d\.\d++\.\d++ )?+" + _ADDRESSED
_GREYLISTED = rb"(?i:gr[ea]y-?list)"
_NO_NAME = rb"\w*+(?![.@-]\w)"
"""Behind a word: it is none of a host name or an address."""

_SPAM = rb"(?i:\b(?<![.@-])(?:spam|gtube))" + _NO_NAME
_VIRUS = rb"(?i:\b(?<![.@-])(?:virus|malware|infected))" + _NO_NAME
_BLOCKLISTED = _PERMANENT + _REPLY + rb" blocked using"
_TRY_AGAIN = rb"Try again later; from="
"""rspamd's words for greylisting, and for any other refusal without words of its own."""


def _milter_rules(daemon: str, program: bytes, queue_id: bytes) -> tuple[Rule, ...]:
    """What a milter refuses, in the words of the Postfix daemon that tells the client so."""
    kinds = (
        ("greylisted", _TEMPORARY + rb"(?:%b|%b%b)" % (_TRY_AGAIN, _REPLY, _GREYLISTED), GREYLISTED),
        ("virus", _PERMANENT + _REPLY + _VIRUS, REJECTED + VIRUS),
        ("spam", _PERMANENT + _REPLY + _SPAM, REJECTED + SPAM),
        ("rejected", b"", REJECTED),
    )
    return tuple(
        Rule(
            f"{daemon}_milter_{kind}_now",
            program,
            text,
            counters,
            step="milter_refused",
            opening=(queue_id, _MILTER_REFUSAL),
        )
        for kind, text, counters in kinds
    )


_EXIM = rb"(?:\[\d++[\\/]\d++\] )?+(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d++)? (?:[+-]\d{4} )?)?+(?:\[\d++\] )?+"
"""What Exim writes before its text: the number of a line of several, a date, its process id; each as configured."""

_EXIM_MESSAGE = (rb"%b(?P<Q>%b)" % (_EXIM, ANY_EXIM_ID),)
_QUOTED = rb'"(?:[^"\\\n]|\\[^\n])*+"'
_EXIM_FROM = rb' <= (?:[^\s"]++|%b)++ (?:R=\S++ )?+(?:DS )?+' % _QUOTED
_EXIM_CLIENT_ADDRESS = rb"(?:H=(?:[^\s(\[]++ )?+(?:\([^)\n]*+\) )?+(?=\[))?+(?P<C>(?:\[[^\]\s]++\])?+)"
"""Empty where there is none; what the client calls itself stands in parentheses."""

_EXIM_BY_SMTP = rb"(?>.*?\bP=)(?:utf8)?+e?+smtp[sa]*+ "
_EXIM_TO = rb" (?:[=-]>|>>) (?!:blackhole:|>)\S.*? R=\S++ T=(?P<T>\S++)(?: S=\d++)?+"
_EXIM_RELAY = rb" H=(?P<R>\S++ (?:DS )?+\[[^\]\s]++\](?::\d++)?+)"
"""Another server; a transport to a socket or a command here has no address behind its host, if it names one."""

_EXIM_ANSWER = rb'(?:(?:[^" \n]++|%b| (?!C="))*+ C="(?:%b|.*(?:OK id=|queued as )(?P<Y>[-\dA-Za-z]++)))?+' % (
    _QUOTED,
    _ENDED,
)
"""What the other side said, as Postfix's ``_ACCEPTED`` has it."""

_EXIM_CLIENT = (
    rb"%b(?:%b )?+H=[^\[\n]*+\[[^\]\n]*+\](?>(?:[^<rt\n]++|[rt]|%b)*?(?=(?:temporarily )?+rejected ))"
    % (_EXIM, ANY_EXIM_ID, ADDRESS),
)
"""What stands before a refusal that an access list decided on; ``T`` is then the refusal."""

_EXIM_WHAT = rb"rejected (?:(?:RCPT|MAIL) %b|[^:\n]*+): " % ADDRESS
_EXIM_OWN_WORDS = rb"(?:(?! callout\b| response to )[^\n])*?"
"""What another server said when it was asked about an address is not among them."""

_AMAVIS = rb"\((?P<A>[\w-]++)\) "
_AMAVIS_SAYS = (_AMAVIS, rb"(?P<B>Passed|Blocked) ")


def _amavis_field(name: bytes) -> bytes:
    """Up to a field of amavisd-new's line; one within an address or a message id is none."""
    return rb"(?:[^<,\n]++|%b|,(?! %b))*+, %b" % (ADDRESS, name, name)


_NOT_BY_RECIPIENT = rb"(?!%b)" % _amavis_field(b"tag2=")
_AMAVIS_QUEUE_ID = rb"(?:%b(?P<Q>%b),)?" % (_amavis_field(b"Queue-ID: "), SOME_ID)
_AMAVIS_SPAM_LEVEL = rb"(?:[1-9]\d++|[7-9]|6\.[2-9])"
"""6.2 and more is spam by amavisd-new's own default; its line says CLEAN or SPAM by its configuration, but where it
could not check everything, or has something worse to say, the hits alone tell."""

_MILTER_ID = (rb"(?P<Q>%b): " % SOME_ID,)
_POLICYD_SPF = rb"(?:\S*: )?+"
_POLICY_SPF = (rb"Policy action=PREPEND Received-SPF: ",)
_RSPAMD = (
    rb"<[^>\n]*+>; [a-z_]++; rspamd_task_write_log: (?:id: <[^>\n]*+>, )?+(?:qid: <(?P<Q>[^>\n]*+)>, )?+"
    rb"(?:[^<(\n]|%b|\((?!default: ))*+\(default: [A-Z] \(" % ADDRESS,
)
"""rspamd's line for a message, up to the name of the action; ``S`` is then its list of symbols."""

_LOCAL_AGENT = rb"postfix/(?:local|virtual|pipe|error)"

_DEFAULT = (
    Rule("smtpd_session_end", SMTPD, rb"disconnect from (?P<T>.*)", NOTHING, step="disconnected"),
    Rule(
        "smtpd_reinjected",
        SMTPD,
        rb", orig_queue_id=(?P<O>[^,\s]++)",
        RECEIVED,
        unless="client",
        step="reinjected",
        opening=_CLIENT,
    ),
    Rule(
        "smtpd_here",
        SMTPD,
        rb"%b(?P<C>[^,\s\[]*+%b)(?![^,\s])" % (_CLIENT_IS, LOOPBACK),
        NOTHING,
        "ignore_localhost",
        step="received",
        opening=(_QUEUE_ID_OR_NONE,),
    ),
    Rule("smtpd_taken_in", SMTPD, b"", RECEIVED, "", "client", "received", _CLIENT),
    Rule(
        "smtpd_virbl_now",
        SMTPD,
        _BLOCKLISTED + rb" virbl\.dnsbl\.bit\.nl",
        VIRUS,
        "virbl_is_virus",
        step="refused",
        opening=_REFUSAL,
    ),
    Rule("smtpd_blocklisted", SMTPD, _BLOCKLISTED, SPAM, "rbl_is_spam", step="refused", opening=_REFUSAL),
    Rule(
        "smtpd_greylisted_now", SMTPD, _TEMPORARY + _REPLY + _GREYLISTED, GREYLISTED, step="refused", opening=_REFUSAL
    ),
    Rule(
        "postscreen_greylisted",
        SMTPD,
        rb"(?<=\d: )450 4\.3\.2 Service currently unavailable; from=",
        GREYLISTED,
        step="refused",
        opening=_REFUSAL,
    ),
    Rule("smtpd_refused", SMTPD, b"", REJECTED, step="refused", opening=_REFUSAL),
    *_milter_rules("smtpd", SMTPD, _QUEUE_ID_OR_NONE),
    Rule(
        "smtpd_discarded",
        SMTPD,
        rb"(?:milter-)?+discard: ",
        REJECTED,
        step="discarded",
        opening=(_QUEUE_ID_OR_NONE,),
    ),
    Rule(
        "smtpd_proxy_virus",
        SMTPD,
        rb"%b(?:%bINFECTED|(?!Reject, id=)%b%b)" % (_PERMANENT, _BY_AMAVIS, _REPLY, _VIRUS),
        REJECTED + VIRUS,
        step="proxy_refused",
        opening=_PROXY_REFUSAL,
    ),
    Rule(
        "smtpd_proxy_spam",
        SMTPD,
        rb"%b(?:%bspam|(?!Reject, id=)%b%b)" % (_PERMANENT, _BY_AMAVIS, _REPLY, _SPAM),
        REJECTED + SPAM,
        step="proxy_refused",
        opening=_PROXY_REFUSAL,
    ),
    Rule("smtpd_proxy_rejected", SMTPD, b"", REJECTED, opening=_PROXY_REFUSAL),
    Rule(
        "smtpd_hung_up",
        SMTPD,
        rb"(?:lost connection|timeout) after (?:DATA|BDAT) \(",
        NOTHING,
        step="hung_up",
        opening=(_QUEUE_ID_OR_NONE,),
    ),
    Rule("smtpd_too_big", SMTPD, _TOO_BIG, REJECTED, step="refused"),
    Rule("smtp_here", rb"postfix/smtp", _LOCAL_HOP, NOTHING, "ignore_localhost", step="sent"),
    Rule("smtp_sent_away", rb"postfix/smtp", _ACCEPTED, SENT, unless="relay", step="sent", opening=_DELIVERY),
    Rule("smtp_gave_up", rb"postfix/smtp", _BOUNCED, BOUNCED, opening=_DELIVERY),
    Rule("smtp_deferred", rb"postfix/smtp", _DEFERRED, DEFERRED, opening=_DELIVERY),
    Rule("lmtp_here", rb"postfix/lmtp", _LOCAL_HOP, NOTHING, "ignore_localhost lmtp_is_smtp", step="sent"),
    Rule("lmtp_sent_away", rb"postfix/lmtp", _ACCEPTED, SENT, "lmtp_is_smtp", "relay", "sent", _DELIVERY),
    Rule("lmtp_delivered", rb"postfix/lmtp", _ACCEPTED, DELIVERED, step="sent", opening=_DELIVERY),
    Rule("lmtp_gave_up", rb"postfix/lmtp", _BOUNCED, BOUNCED, opening=_DELIVERY),
    Rule("lmtp_deferred", rb"postfix/lmtp", _DEFERRED, DEFERRED, opening=_DELIVERY),
    Rule("local_delivered", _LOCAL_AGENT, _SENT + rb"(?!forwarded as )", DELIVERED, opening=_DELIVERY),
    Rule("local_gave_up", _LOCAL_AGENT, _BOUNCED, BOUNCED, opening=_DELIVERY),
    Rule("local_deferred", _LOCAL_AGENT, _DEFERRED, DEFERRED, opening=_DELIVERY),
    Rule("qmgr_expired", rb"postfix/qmgr", rb"%b: from=<.*+(?<=expired, returned to sender)" % SOME_ID, EXPIRED),
    *_milter_rules("cleanup", rb"postfix/cleanup", _QUEUED),
    Rule("cleanup_refused", rb"postfix/cleanup", rb"reject: ", REJECTED, step="refused", opening=(_QUEUED,)),
    Rule(
        "cleanup_discarded",
        rb"postfix/cleanup",
        rb"(?:milter-)?+discard: ",
        REJECTED,
        step="discarded",
        opening=(_QUEUED,),
    ),
    Rule("cleanup_too_big", rb"postfix/cleanup", _TOO_BIG, REJECTED, step="refused"),
    Rule("policy_spf_pass", rb"postfix/policy-spf", rb"(?i:pass)\b", SPF_PASS, opening=_POLICY_SPF),
    Rule("policy_spf_none", rb"postfix/policy-spf", rb"(?i:none|neutral)\b", SPF_NONE, opening=_POLICY_SPF),
    Rule(
        "policy_spf_fail",
        rb"postfix/policy-spf",
        rb"(?i:softfail|fail|temperror|permerror)\b",
        SPF_FAIL,
        opening=_POLICY_SPF,
    ),
    Rule("spf_passed", rb"policyd-spf", _POLICYD_SPF + rb"prepend Received-SPF: (?i:pass)\b", SPF_PASS),
    Rule("spf_not_there", rb"policyd-spf", _POLICYD_SPF + rb"prepend Received-SPF: (?i:none|neutral)\b", SPF_NONE),
    Rule(
        "spf_failed",
        rb"policyd-spf",
        _POLICYD_SPF + rb"(?:prepend Received-SPF: (?i:softfail|fail|temperror|permerror)\b|[45]\d\d [45]\.7\.2[34] )",
        SPF_FAIL,
    ),
    Rule("dkim_passed", rb"opendkim", rb"DKIM verification successful", DKIM_PASS, step="verdict", opening=_MILTER_ID),
    Rule("dkim_not_there", rb"opendkim", rb"no signature data", DKIM_NONE, step="verdict", opening=_MILTER_ID),
    Rule(
        "dkim_failed",
        rb"opendkim",
        rb"(?:bad signature data|key retrieval failed|DKIM verification failed|signature verification failed)",
        DKIM_FAIL,
        step="verdict",
        opening=_MILTER_ID,
    ),
    Rule("dmarc_passed", rb"opendmarc", rb"\S++ pass" + END, DMARC_PASS, step="verdict", opening=_MILTER_ID),
    Rule("dmarc_not_there", rb"opendmarc", rb"\S++ none" + END, DMARC_NONE, step="verdict", opening=_MILTER_ID),
    Rule("dmarc_failed", rb"opendmarc", rb"\S++ fail" + END, DMARC_FAIL, step="verdict", opening=_MILTER_ID),
    Rule(
        "amavis_found_spam",
        AMAVIS,
        rb"SPAM(?:MY)?\b" + _NOT_BY_RECIPIENT + _AMAVIS_QUEUE_ID,
        SPAM,
        step="filtered",
        opening=_AMAVIS_SAYS,
    ),
    Rule(
        "amavis_found_virus",
        AMAVIS,
        rb"INFECTED\b" + _NOT_BY_RECIPIENT + _AMAVIS_QUEUE_ID,
        VIRUS,
        step="filtered",
        opening=_AMAVIS_SAYS,
    ),
    Rule(
        "amavis_hid_spam",
        AMAVIS,
        rb"(?:UNCHECKED|BANNED)\b"
        + _NOT_BY_RECIPIENT
        + rb"(?=(?>.*, Hits: )%b)" % _AMAVIS_SPAM_LEVEL
        + _AMAVIS_QUEUE_ID,
        SPAM,
        step="filtered",
        opening=_AMAVIS_SAYS,
    ),
    Rule(
        "amavis_ended",
        AMAVIS,
        rb"(?<=Blocked ).*, Queue-ID: (?P<Q>%b)," % SOME_ID,
        NOTHING,
        step="filtered",
        opening=_AMAVIS_SAYS,
    ),
    Rule(
        "amavis_named_virus",
        AMAVIS,
        rb"INFECTED\b" + _NOT_BY_RECIPIENT,
        VIRUS,
        step="filtered",
        opening=(_AMAVIS,),
    ),
    Rule("amavis_quarantined", AMAVIS, AMAVIS_ID + rb"(?:Passed|Not-Delivered)\b(?! CLEAN )" + _QUARANTINE, SPAM),
    Rule("spamd_found_spam", rb"spamd", rb"(?:spamd: )?identified spam", SPAM, step="verdict"),
    Rule("clamsmtpd_found_virus", rb"clamsmtpd", rb".*, status=VIRUS:", VIRUS),
    Rule(
        "clamav_found_virus",
        rb"clamav-milter",
        rb"Message (?:(?P<Q>%b) )?+from %b .*infected by " % (QUEUE_ID, ADDRESS),
        VIRUS,
        step="verdict",
    ),
    Rule(
        "clamav_intercepted_now",
        rb"clamav-milter",
        rb"(?:(?P<Q>%b): )?+.*\bIntercepted " % QUEUE_ID,
        VIRUS,
        step="verdict",
    ),
    Rule(
        "rspamd_found_virus",
        rb"rspamd",
        rb"reject\)(?P<S>.*[\[,](?=[A-Z_]*VIRUS)[A-Z_]*+\(.*)",
        VIRUS,
        step="rspamd",
        opening=_RSPAMD,
    ),
    Rule(
        "rspamd_found_spam",
        rb"rspamd",
        rb"(?:reject|add header|rewrite subject)\)(?P<S>.*)",
        SPAM,
        step="rspamd",
        opening=_RSPAMD,
    ),
    Rule(
        "rspamd_greylisted",
        rb"rspamd",
        rb"(?:soft reject|greylist)\)(?P<S>.*[\[,]GREYLIST\([^{}\n]*\{greylisted.*)",
        GREYLISTED,
        step="rspamd",
        opening=_RSPAMD,
    ),
    Rule("rspamd_put_off", rb"rspamd", rb"soft reject\)(?P<S>.*)", NOTHING, step="put_off", opening=_RSPAMD),
    Rule("rspamd_checked", rb"rspamd", rb"[a-z ]++\)(?P<S>.*)", NOTHING, step="rspamd", opening=_RSPAMD),
    Rule(
        "postgrey_passed",
        rb"postgrey",
        rb"(?:action=pass, (?:reason=[^,\n]*+, )?+delay=[0-9]|delayed [0-9]++ seconds: client)",
        DELAYED,
    ),
    Rule("sqlgrey_passed", rb"sqlgrey", rb"grey: reconnect ok: ", DELAYED),
    Rule(
        "exim_taken_in",
        EXIM4,
        _EXIM_FROM + _EXIM_CLIENT_ADDRESS + _EXIM_BY_SMTP,
        RECEIVED,
        step="arrived",
        opening=_EXIM_MESSAGE,
    ),
    Rule("exim_sent_away", EXIM4, _EXIM_TO + _EXIM_RELAY + _EXIM_ANSWER, SENT, step="routed", opening=_EXIM_MESSAGE),
    Rule("exim_delivered", EXIM4, _EXIM_TO + _EXIM_ANSWER, DELIVERED, step="delivered", opening=_EXIM_MESSAGE),
    Rule("exim_gave_up", EXIM4, rb" \*\* \S", BOUNCED, opening=_EXIM_MESSAGE),
    Rule("exim_deferred", EXIM4, rb" == \S", DEFERRED, opening=_EXIM_MESSAGE),
    Rule(
        "exim_blocklisted",
        EXIM4,
        rb"(?P<T>" + _EXIM_WHAT + rb"rejected because \S++ is in a black list at \S.*)",
        SPAM,
        "rbl_is_spam",
        step="once",
        opening=_EXIM_CLIENT,
    ),
    Rule(
        "exim_greylisted",
        EXIM4,
        rb"(?P<T>temporarily " + _EXIM_WHAT + rb"%b%b.*)" % (_EXIM_OWN_WORDS, _GREYLISTED),
        GREYLISTED,
        step="once",
        opening=_EXIM_CLIENT,
    ),
    Rule(
        "exim_found_virus",
        EXIM4,
        rb"(?P<T>rejected (?:after )?+DATA: .*?%b.*)" % _VIRUS,
        REJECTED + VIRUS,
        step="once",
        opening=_EXIM_CLIENT,
    ),
    Rule(
        "exim_found_spam",
        EXIM4,
        rb"(?P<T>rejected (?:after )?+DATA: .*?%b.*)" % _SPAM,
        REJECTED + SPAM,
        step="once",
        opening=_EXIM_CLIENT,
    ),
    Rule(
        "exim_refused",
        EXIM4,
        rb"(?P<T>(?:temporarily )?+rejected \S.*)",
        REJECTED,
        step="once",
        opening=_EXIM_CLIENT,
    ),
)
"""The default: what a line says by its grammar, in the light of the lines before it (the steps)."""

RSPAMD_SYMBOLS = (
    (b"R_DKIM_ALLOW(", "dkim_pass"),
    (b"R_DKIM_REJECT(", "dkim_fail"),
    (b"R_DKIM_TEMPFAIL(", "dkim_fail"),
    (b"R_DKIM_PERMFAIL(", "dkim_fail"),
    (b"R_DKIM_NA(", "dkim_none"),
    (b"DMARC_POLICY_ALLOW(", "dmarc_pass"),
    (b"DMARC_POLICY_REJECT(", "dmarc_fail"),
    (b"DMARC_POLICY_QUARANTINE(", "dmarc_fail"),
    (b"DMARC_POLICY_SOFTFAIL(", "dmarc_fail"),
    (b"DMARC_BAD_POLICY(", "dmarc_fail"),
    (b"DMARC_NA(", "dmarc_none"),
)
"""What rspamd's symbols say; of a family the first one counts."""

_BOTH = (
    Rule("sendmail_received", SENDMAIL, rb".*mailer=(?:local|relay)\b(?<=\bmailer=.....)", RECEIVED),
    Rule("sendmail_sent", SENDMAIL, rb"(?:%b|%b)" % (anywhere(b"stat=Sent"), anywhere(b"mailer=esmtp")), SENT),
    Rule("sendmail_xs4all", SENDMAIL, anywhere(b"ruleset=check_XS4ALL"), REJECTED),
    Rule("sendmail_lost", SENDMAIL, anywhere(b"lost input channel"), REJECTED),
    Rule("sendmail_rcpt", SENDMAIL, anywhere(b"ruleset=check_rcpt"), REJECTED),
    Rule("sendmail_virus", SENDMAIL, anywhere(b"stat=virus"), VIRUS),
    Rule(
        "sendmail_virbl",
        SENDMAIL,
        rb"(?=%b)%b" % (anywhere(b"ivirbl"), anywhere(b"ruleset=check_relay")),
        VIRUS,
        "virbl_is_virus",
    ),
    Rule("sendmail_rbl", SENDMAIL, anywhere(b"ruleset=check_relay"), SPAM, "rbl_is_spam"),
    Rule("sendmail_relay", SENDMAIL, anywhere(b"ruleset=check_relay"), REJECTED),
    Rule(
        "sendmail_sender", SENDMAIL, rb"(?:%b|%b)" % (anywhere(b"sender blocked"), anywhere(b"sender denied")), REJECTED
    ),
    Rule(
        "sendmail_recipient",
        SENDMAIL,
        rb"(?:%b|%b)" % (anywhere(b"recipient denied"), anywhere(b"recipient unknown")),
        REJECTED,
    ),
    Rule("sendmail_bounced", SENDMAIL, rb".*(?i:User unknown)(?<=\b............)" + END, BOUNCED),
    Rule("sendmail_milter", SENDMAIL, rb"(?>.*?\bMilter:).*reject=55(?<=\breject=55)", REJECTED),
    Rule("amavis_old", AMAVIS, rb"Virus found\b", VIRUS),
    Rule("vagatefwd_virus", rb"vagatefwd", rb"VIRUS", VIRUS),
    Rule("hook_virus", rb"hook", rb"\*++ Virus\b", VIRUS),
    Rule("hook_spam", rb"hook", anywhere(b"contains spam"), SPAM),
    Rule("antivir_alert", rb"(?:avgatefwd|avmailgate\.bin|avmilter)", rb"Alert!", VIRUS),
    Rule("antivir_blocked", rb"(?:avgatefwd|avmailgate\.bin|avmilter)", rb".*blocked\." + END, VIRUS),
    Rule("avcheck_virus", rb"avcheck", rb"infected", VIRUS),
    Rule("spamd_virus", rb"spamd", rb".*CLAMAV", VIRUS),
    Rule("dspam_spam", rb"dspam", rb".*spam detected from", SPAM),
    Rule("dspam_virus", rb"dspam", rb".*infected message from", VIRUS),
    Rule("spampd_spam", rb"(?:spamproxyd|spampd)", rb"(?:[^\S\n]*+SPAM|identified spam)", SPAM),
    Rule("drweb_virus", rb"drweb-postfix", rb".*infected", VIRUS),
    Rule("blackhole_both", rb"BlackHole", rb"(?=.*Virus).*(?:RBL|Razor|Spam)", VIRUS + SPAM),
    Rule("blackhole_virus", rb"BlackHole", rb".*Virus", VIRUS),
    Rule("blackhole_spam", rb"BlackHole", rb".*(?:RBL|Razor|Spam)", SPAM),
    Rule("mailscanner_virus", rb"MailScanner", rb".*Virus Scanning: Found", VIRUS),
    Rule("mailscanner_bounced", rb"MailScanner", rb".*Bounce to", BOUNCED),
    Rule("mailscanner_spam", rb"MailScanner", rb"Spam Checks: Found (?P<N>%b) spam messages" % NUMBER, SPAM),
    Rule("vilter_virus", rb"smtp-vilter", rb".*clamd: found", VIRUS),
    Rule("bogofilter_spam", rb"bogofilter", rb".*Spam", SPAM),
    Rule("filter_module_spam", rb"filter-module", rb".*spam_status=(?<=\bspam_status=)(?:yes|spam)", SPAM),
    Rule("sta_scanner_virus", rb"sta_scanner", rb"[0-9A-F]++: virus", VIRUS),
    Rule("grossd_greylisted", rb"grossd", rb".*a=greylist", GREYLISTED),
)
"""Programs whose lines the default counts as the original does."""

RULES = (
    *(rule._replace(needs=f"classic {rule.needs}".strip()) for rule in _CLASSIC),
    *(rule._replace(needs=f"-classic {rule.needs}".strip()) for rule in _DEFAULT),
    *_BOTH,
)
