"""The words for a code, and for a code of something else, in the thirteen languages of the tests."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

# strong: a code to prove who one is. weak: some code. password: one that may be told or not. other: a code for
# something else (a voucher, a postcode, source code).
Kind = Literal["strong", "weak", "password", "other"]

LABELS = 64  # looked at in one message


class Label(NamedTuple):
    """Where a word for a code stands, and what sort of code it is."""

    start: int
    end: int
    kind: Kind


def alternatives(words: str) -> str:
    """A pattern for any of these words; `_` stands for white space, and a line that starts with `|` goes on."""
    return "(?:" + "|".join(words.split()).replace("||", "|").replace("_", r"\s{1,3}") + ")"


# What `str.find` looks for, lower-case: most mail has none of them.
_STEMS = (
    *("cod", "kod", "pin", "otp", "tan", "pass", "token", "senha", "clave", "contrase", "wachtwoord", "kennwort"),
    *("parol", "sifre", "digit", "ziffern", "ation key", "time key", "access key", "verif"),
    *("stellige", "cijfer", "haneli ", "zahlen", "zeichenf", "tekenreeks", "combina", "kombina", "ciąg ", "комбина"),
    *("stringa", "schlüssel", "sleutel", "chiave", "klucz", "ключ", "anahtar", "化キー", "キュリティキー", "スキー"),
    *("화 키", "화키", "보안 키", "출입번호", "文字列"),
    *(
        "bestätigungsn",
        "clé d",
        "chave de ",
        "códig",
        "şifre",
        "hasł",
        "код",
        "парол",
        "码",
        "碼",
        "口令",
        "密碼",
        "コード",
    ),
    *(
        "パスワード",
        "暗証番号",
        "認証番号",
        "確認番号",
        "認証キー",
        "코드",
        "인증번호",
        "비밀번호",
        "확인번호",
        "인증 번호",
    ),
    *("암호", "dígitos", "значн", "桁の", "자리 ", "位数字", "位數字"),
)
_ASCII_STEMS = tuple(stem for stem in _STEMS if stem.isascii())

_WORD = re.compile(
    r"(?:code|codes|c[oó]digos?|codic[ei]|kod(?:u|y|em|owi|zie|ów|ami|(?:u|un|um|lar)[a-zçğıöşü]{0,8})?"
    r"|код(?:а|у|ом|е|ы|ов|ами)?)(?![^\W\d_])"
    r"|(?:pin|pins|otp|otps|tan|token|tokens|senha|clave|passphrase|kennwort|parola|[sş]ifre)(?![^\W\d_])"
    r"|(?:parola|[sş]ifre)(?:n|s(?!iz)|y)[a-zı]{0,7}(?![^\W\d_])"
    r"|passw(?:ord|ort)s?(?![^\W\d_])|wachtwoord(?:en)?(?![^\W\d_])|passe(?![^\W\d_])"
    r"|contrase[nñ]as?(?![^\W\d_])|hasł[oaeu]m?(?![^\W\d_])|парол(?:ь|я|ем|ю)(?![^\W\d_])"
    r"|(?:ation|time|access) keys?(?![^\W\d_])|clé d(?:e |['’])(?:activation|sécurité|accès|connexion)"
    r"|chave de (?:acesso|segurança)"
    r"|verification n(?:umber|o)(?![^\W\d_])|(?:verifizierungs|bestätigungs|verificatie)nummer"
    r"|digits(?![^\W\d_])|digit number|ziffern(?![^\W\d_])|[码碼]|口令|密碼|コード|パスワード"
    r"|暗証番号|認証番号|確認番号|認証キー|코드|인증 ?번호|비밀번호|확인번호|암호"
    # "six-digit number"
    r"|stellige[nr]? (?:zahl|nummer|pin|ziffernfolge|kombination)(?![^\W\d_])|cijferige? (?:getal|nummer)(?![^\W\d_])"
    r"|d[ií]gitos(?![^\W\d_])|haneli (?:sayı|numara)[a-zı]{0,4}|значн\w{2,3} (?:числ|номер|комбинац)\w{1,2}"
    # "sequence of numbers", "activation key"
    r"|(?:zahlen|ziffern|zeichen)(?:folge|kombination)(?![^\W\d_])|cijfer(?:reeks|combinatie)|tekenreeks"
    r"|combin(?:aison|aci[oó]n|ação|azione)(?![^\W\d_])|kombinacj[aęi](?![^\W\d_])|комбинаци(?:я|ю|ей)(?![^\W\d_])"
    r"|kombinasyonu\w{0,4}|ciąg (?:cyfr|znaków|liter)|stringa(?![^\W\d_])|文字列"
    r"|schlüssel(?![^\W\d_])|sleutel(?![^\W\d_])|chiave(?![^\W\d_])|klucz(?:a|em)?(?![^\W\d_])"
    r"|ключ(?:а|ом)?(?![^\W\d_])|anahtarı?n?(?:ız)?ı?(?![^\W\d_])|化キー(?![ァ-ー])|キュリティキー|スキー(?=[：:はが])"
    r"|화 ?키(?![가-힣]{2})|보안 키|출입번호"
    r"|桁の(?:数字|番号|英数字)|자리 (?:숫자|번호)|位[数數]字"
)
_PASSWORD = re.compile(
    r"schl|sleut|chiav|klucz|ключ|anaht|スキー|passw|wachtw|passe|contra|has|парол|senha|clave|kennw|[sş]ifre|parola|passphrase|密碼|パスワード|비밀|암호"
)
_ALWAYS_STRONG = re.compile(
    r"ation|stellige|cijferige|haneli|значн|桁|자리|位|time|access|clé|chave|verif|bestät|otp|pin|tan\Z|口令|暗証|認証|確認"
    r"|인증|확인|化キー|キュリ|화 ?키|보안|출입"
)
# To a word before it, as in "Sicherheitscode".
_JOINS = re.compile(r"ation|stellige|cijferig|значн|schlüs|sleutel|code|passw|wacht|kennw|код")
_TAN_BEFORE = re.compile(r"(?:mobile|sms|push|chip|photo|app|[iem])\Z")

# Before the word, as its beginning or as words of their own.
_OTHER_BEFORE = re.compile(
    r"(?:^|(?<![^\W_]))"
    + alternatives(
        r"""promo(?:tion(?:al|s)?)? coupon discount voucher gift(?:_card)? offer savings? deal referral refer
        invit(?:e|ation) reward bonus zip post(?:al)? qr bar source dress error status country area dial(?:ling)? city
        tracking track last final winning wygrywająca booking reservation order product item article client
        customer colou?r hex open machine byte
        sort swift bank branch bic tax hs iata icao airport morse building penal civil sample example clean legacy
        writing write wrote last_(?:four|4) \w*timos(?:_(?:cuatro|quatro|[0-9]))? letzten written
        store shop department cost_cent(?:er|re) vendor supplier batch reason of your_own vs studio unit
        currency language lan
        exit(?:ed)?(?:_with)? return(?:ed)? (?:failed|fails|ended)_with response schone nette czysty
        mağaza şube czystego чистый чистого temiz açık
        http redemption redeem licen[cs]e product_key hidden dead our_own quote thank-?you course room ticket exam
        class subject işlem
        anti-?phishing da_vinci
        gutschein rabatt aktions? vorteils bonus geschenk freunde einladungs empfehlungs quell programm farb
        fehler bank kunden artikel buchungs sendungs bestell landes strich länder spenden
        kortings? actie vouchers? waarde cadeau bron fout kleding kleur klant reserverings boekings product streepjes
        uitnodigings vrienden kleuren
        remise réduction promotionnel avantage
        indirim promosyon kupon posta kaynak hata müşteri ürün sipariş rezervasyon davet referans kampanya renk
        ülke hediye takip
        промо почтовый исходный исходного программный штрих куар ошибки открытый цветовой скидочный
        """
    )
    + r"[\s_-]{0,2}\Z|(?<![^\W\d_])(?:en|de|geo|uni|vs|leet|trans|open|zip|bar|qr)\Z"
)
_OTHER_LETTERS_BEFORE = re.compile(
    r"(?:优惠|兑换|邀请|条|條|二维|二維|编|編|号|號|邮政|郵遞|推广|折扣|源代|错误代|股票代|证券代|基金代|机构代|信用代|国家代|银行代|发票代|价格|尺|数|數|乱|扫|掃|优惠代|折扣代"
    r"|礼品|推荐|qr|クーポン|バー|郵便|商品|プロモーション|招待|ソース|エラー|割引|キャンペーン|優待|ギフト|お客様|顧客|紹介|レ|カラー|国"
    r"|銀行|支店|エン|デ|きれいな|クリーン|整洁|店舗|隨機|门店|매장|점포|지점|予約|할인|쿠폰|프로모션|바|추천|오류|에러|소스|상품|우편|초대|레|국가|색상|은행|기프트|고객|예약)\s?\Z"
)
_OTHER_AFTER = re.compile(
    r"[\s-]{1,2}(?:(?:d[aeiou]|del|della|des|la|le|van|von)[\s'’]{1,2}|d['’]){0,2}"
    + alternatives(
        r"""promo\w* postale? source barre? barres client(?:e|a)? article of_conduct board refresh usage review base
        snippets? example samples? editor fiscale? sconto remise réduction couleur avantage cadeau réservation
        parrainage ape naf iban de_atendimento
        de_la_route del_(?:pedido|cliente|producto|país)
        d[eao]_(?:la_)?(?:tienda|loja|sucursal|filial)
        d[eo]_(?:cliente|pedido|produto|cupom|voucher|vendedor|benefici[áa]rio)
        limp[io]o? abierto aberto ganadora vencedora vincente gagnante pulito aperto propre negozio magasin
        sklepu магазина ouvert
        fuente civil penal fonte sdi univoco destinatario descuento promocion\w* ordine tracking prenotazione
        della_strada articolo prodotto cliente errore regalo sorgente d'errore invito amico
        pocztow\w+ rabatow\w+ promocyjn\w+ źródłow\w+ kreskow\w+ qr klienta rezerwacji zamówienia błędu produktu
        parrain polecając\w+ zniżkow\w+ kraju swift
        d[eo]_(?:la_)?(?:descuento|desconto|seguimiento|rastre\w+|reserva|cliente|barras?|err?or?|erro)
        de_(?:conducta|conduta|pedido|producto|produto|país|área|parrainage|réduction|remise|promotion|réservation|suivi)
        de_(?:commande|referido|indicação|invitación|convite|cupón|cupom|tr[áa]nsito|trabalho)
        товара заказа клиента брони документа заявки окпо ошибки бронирования города страны региона скидки купона
        программы
        """
    )
    + r"(?![^\W\d_])"
)
_STRONG_BEFORE = re.compile(
    alternatives(
        r"""verif\w* securit\w* secur\w* login log-?in log_in sign-?in sign_in sign-?up access auth\w* activation
        confirm\w* registration one-?time single-?use pass digit 2fa two-?factor two-?step recovery reset guard
        temporary pairing device unlock approval identity mfa sms
        bestätigungs sicherheits verifizierungs anmelde zugangs zugriffs aktivierungs freischalt einmal authenti\w* prüf
        wiederherstellungs registrierungs tan
        verificatie inlog bevestigings beveiligings toegangs activerings controle herstel eenmalig\w* tijdelijk\w*
        doğrulama giriş güvenlik onay aktivasyon kullanımlık tek geçici
        однораз\w* проверочн\w* временн\w* защитн\w* смс пин jednoraz\w* tymczasow\w* weryfikac\w* provis\w* temporal\w*
        """
    )
    + r"[\w-]{0,16}[\s-]{0,2}\Z"
)
_STRONG_LETTERS_BEFORE = re.compile(
    r"(?:验证|校验|动态|确认|激活|安全|登录|认证|识别|授权|短信|一次性|临时|动态密|驗證|認證|登入|確認|動態|検証|認証|セキュリティ|ログイン"
    r"|ワンタイム|アクセス|パス|承認|仮|인증|확인|보안|로그인|일회용|임시|접속|검증)\s?\Z"
)
_STRONG_AFTER = re.compile(
    r"[\s-]{1,2}(?:[^\W\d_]{1,3}[\s'’]{1,2}){0,2}"
    + alternatives(
        r"""vérif\w* sécurité connexion validation confirmation usage_unique acc[eèé]s\w* activa\w* d'authentification
        authenti\w* autentic\w* verific\w* segur\w* confirma\w* un_solo_uso sicurezza firma accesso verifica conferma
        attivazione recupera\w* provis\w* temporal\w* temporane\w* operación dinámica sms weryfikac\w*
        logowania potwierdz\w*
        bezpiecz\w* aktywac\w* autoryzac\w* jednoraz\w* tymczasow\w*
        подтвержд\w* входа вход безопасности активации доступа авторизации провер\w* otp
        """
    )
)

_CONFIRMS = re.compile(r"confirmation[\s-]\Z")
_TRAVEL = re.compile(
    r"\b(?:flight|booking|reservation|itinerary|check-?in|guests?|nights?|hotel|passenger|departs?|airline)\b"
)
_AUTHORIZES = re.compile(r"(?:auth|authori[sz]ation|approval)[\s-]\Z")
_PAID = re.compile(r"\b(?:receipt|paid|approved|terminal|merchant)\b")

# Sales talk: with it a plain "code" is a voucher's.
SALE = re.compile(
    r"\d\s?%(?!\d)|(?<![\w])%\s?\d|\boff\b|折扣|优惠|满减|割引|クーポン|セール|할인|쿠폰|"
    + alternatives(
        r"""discount coupon checkout subtotal promo voucher
        \bsales?\b \bsave\b savings \brabatt gutschein réduction remise
        soldes descuento \boferta desconto \bcupom \bcup[oó]n sconto \bofferta korting \brabat zniżk
        nachlass sparen ahorr gratis risparmi bespaar livraison_offerte grátis bedava kazan бесплатн подар
        скидк промо акци indirim
        kampanya kupon gift_card referral geschenk"""
    )
)


def labels(low: str) -> list[Label]:
    """The words for a code in this text, which is lower-case, in its order; LABELS of them at most."""
    found = sorted(_labels(low))
    if not found:
        return found
    return [each for at, each in enumerate(found) if not at or each.start >= found[at - 1].end][:LABELS]


def _labels(low: str) -> Iterator[Label]:
    for stem in _ASCII_STEMS if low.isascii() else _STEMS:
        at = low.find(stem)
        left = LABELS
        while at >= 0 and left:
            word = _WORD.match(low, at)
            kind = word and _kind(low, at, word.end())
            if word and kind:
                yield Label(at, word.end(), kind)
            left -= 1
            at = low.find(stem, at + len(stem))


def _kind(low: str, start: int, end: int) -> Kind | None:
    word = low[start:end]
    before, after = low[max(0, start - 40) : start], low[end : end + 40]
    if "a" <= word[0] <= "\u04ff" and "a" <= before[-1:] <= "\u04ff":
        if word == "tan":
            return "strong" if _TAN_BEFORE.search(before) else None
        if not _JOINS.match(word):
            return None
    if _OTHER_BEFORE.search(before) or _OTHER_LETTERS_BEFORE.search(before) or _OTHER_AFTER.match(after):
        return "other"
    if _is_of_a_trip_or_sale(low, before, start):
        return "other"
    if (
        _ALWAYS_STRONG.match(word)
        or _STRONG_BEFORE.search(before)
        or _STRONG_LETTERS_BEFORE.search(before)
        or _STRONG_AFTER.match(after)
    ):
        return "strong"
    # Of several codes, each is a spare one.
    return "password" if _PASSWORD.match(word) or before.endswith("密") or word in ("codes", "códigos") else "weak"


def _is_of_a_trip_or_sale(low: str, before: str, at: int) -> bool:
    """Whether it is what airlines and hotels call a reservation's number, or what a bank told a shop."""
    return any(
        word.search(before) and around.search(low, max(0, at - 300), at + 300)
        for word, around in ((_CONFIRMS, _TRAVEL), (_AUTHORIZES, _PAID))
    )
