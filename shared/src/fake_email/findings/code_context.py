"""The words around a number: some tie it to a code, others make it the number of something else."""

import itertools
import re

from fake_email.findings.code_words import alternatives

# What a number is when this stands right before it, or between it and the word for a code.
_NUMBERS = alternatives(
    r"""(?:order|invoice|ticket|case|reference|request|customer|client|booking|reservation|tracking|transaction|policy
    |member(?:ship)?|confirmation|serial|account|card|phone|registration|student|employee|flight|claim|application
    |player|user|user\s?name|prescription|po|contract|merchant|terminal|meeting|session|report|parcel|shipment|job
    |waybill|receipt|tax|telephone|mobile|build|model|part|item|product)_(?:number|no|num|nr|id|ref)
    reference ref ticket request case invoice id ids receipt locator phone tel telephone call dial fax hotline
    ext extension     (?:p\.?o\.?\s)?box zip sku version build vat iban username user\s?id
    end(?:ing|s)(?:_(?:in|with))? last_(?:four|4)(?:_digits)? (?<!digit\s)number no nr num
    [a-zäöüß]*nummer [a-zäöüß]*nr aktenzeichen vorgang rechnung endet_auf endend_auf endziffern? telefon
    plz postleitzahl     postfach benutzername kundennr referenz az endung hrb
    num[ée]ro n° commande_n° facture dossier r[ée]f[ée]rence r[ée]f terminant_par termine_par finissant_par téléphone
    appelez appeler composez_le composer_le llame_al llamar_al marque_el disque chiam[ai](?:re|ndo)?(?:_(?:il|lo))?
    zadzwoń (?:по)?звоните(?:_по)? rufen_sie 拨打 撥打 siret siren tva identifiant
    n[úu]mero factura caso referencia expediente tr[áa]mite terminad[ao]_en acabad[ao]_en tel[ée]fono llama_al
    matr[íi]cula cif nif usuario
    fatura protocolo refer[êe]ncia (?:cart[ãa]o_)?final terminado_em telefone ligue localizador cep cnpj
    cpf usu[áa]rio nº     numero fattura pratica riferimento rif termina_con che_termina_con telefono p\.?iva cap utente
    factuur zaak referentie eindigend_op eindigt_op klantnr kvk gebruikersnaam bel
    numer(?:u|em)? kończ\w+_się_na nip regon krs faktur\w sprawa sprawy zgłoszeni\w użytkownik
    номер\w{0,3} оканчивающ\w+_на тел телефон\w{0,3} инн кпп огрн индекс обращени\w заявк\w заявлени\w карт\w
    [a-zşğ]*\s?numara\w* _no sonu talep başvuru referans fatura kullanıcı
    (?<!认证)编号 单号 号码 尾号 电话 热线 致电 邮编 学号 卡号 账号 帐号 流水号 工号 末四位 订单 订单号 办件号 用户名
    (?<!認証)(?<!確認)(?<!暗証)番号 末尾 下4桁 電話 〒 お客様コード 口座 ユーザー名
    (?<!출입)(?<!인증)(?<!비밀)(?<!확인)(?<!인증\s)번호 끝자리 전화 고객센터 학번 계좌 문의 아이디"""
)
# These do so only when nothing but a space or "no." is between.
_THINGS = alternatives(
    r"""durchwahl poste anexo ramal interno toestel wewn доб dahili 分机 内线 内線 내선
        zimmer chambre habitación quarto camera kamer pokój комната oda
        order orders account card room booking reservation flight shipment parcel policy member player section article
    page model item suite floor street season job commit since total amount price year merchant prescription gate
    driver apartment apt unit customer client transaction box
    bestellung auftrag konto kunde kundin karte zug raum buchung angebot seit
    commande client joueur billet carte compte train vol
    pedido cliente reserva tarjeta cuenta cart[ãa]o conta voo vuelo
    ordine prenotazione carta conto volo bestelling klant boeking kaart rekening vlucht speler dossier
    zamówieni\w klient\w? rezerwacj\w kart\w gracz lot заказ\w? клиент\w? бронь рейс игрок студент\w? счет\w? счёт\w?
    sipariş müşteri kart\w{0,3} oyuncu öğrenci 第
    newsletter issue ausgabe edition édition bulletin bolet[íi][nm] edici[óo]n
    edi[çc][ãa]o edizione
    nieuwsbrief editie wydanie biuletyn numer
    выпуск рассылк\w sayı bülten\w{0,2} infolettre 航班 房间 ご注文 受付 便 注文 주문 접수 카드"""
)
_WORD_START = r"(?:(?<![^\W\d_])|(?<=[\u0e00-\uffff]))"
_IS = r"(?:is|are|ist|lautet|lauten|est|es|é|è|to|is:|bedraagt|это|是|为|為|は|が|는|은|이|가)"
_NUMBER_OF = re.compile(rf"{_WORD_START}{_NUMBERS}(?![^\W\d_a-zа-я])(?:[\W_]{{0,6}}|[\s:]{{0,3}}{_IS}[\W_]{{1,4}})\Z")
_THING_OF = re.compile(rf"{_WORD_START}{_THINGS}[\s:(\[]{{0,3}}(?:(?:no|nr|n|num|#|№|n°|nº)[\s.:]{{0,3}})?\Z")
_ANY_NUMBER_OF = re.compile(rf"{_WORD_START}{_NUMBERS}(?![^\W\d_])")
# "The following number" is to be entered.
_FOLLOWING = re.compile(
    r"(?:\bfollowing|folgende\w?|suivant|siguiente|seguinte|seguente|volgende|onderstaande?|następujący|poniższy"
    r"|следующ\w{2,3}|aşağıdaki|以下の?|下列|下面的?|次の|下記の|다음|아래)\s{0,2}"
    r"(?:number|nummer|numéro|n[úu]mero|numer|номер\w?|numara\w*|号码|號碼|番号|번호를?)[\W_]{0,6}\Z"
)
_ONLY_NUMBER = re.compile(r"\b(?:number|nummer|numéro|n[úu]mero|numer|номер|numarayı) \Z")
_IS_A_NUMBER = re.compile(
    rf"[\W_]{{0,4}}{_IS}[\W_]{{0,2}}(?:your|the|my|ihre?|deine?|votre|la|le|su|tu|o|seu|il|tuo|je|uw|ваш\w*|您的)?[\W_]{{0,2}}"
    rf"(?:{_NUMBERS}|{_THINGS})(?![^\W\d_])(?! (?:\w{{2,12}} ){{0,2}}(?:code|pin|password))"
)
# A quantity, an amount, what a card ends with.
NOT_A_CODE_AFTER = re.compile(
    r"[\s-]{0,2}(?:"
    + alternatives(
        r"""(?:minut\w*|mins?|hours?|hrs?|seconds?|secs?|days?|weeks?|months?|years?|users?|people|points?|items?|visits
        |readers|tips|lines|members|customers|orders|votes|views|words|steps|times|percent|reviews|tokens|codes|gb|mb|kb|km|kg|px|ms|eur
        |usd|gbp|chf|inr|jpy|pln|rub|try|sek|tl|zł|zl|cent|cents|ct|uhr|stunden|tagen?|sekunden|besucher|mitglieder
        |teilnehmer|punkte|heures?|jours?|secondes?|lecteurs|euros?|minutos|horas|días|segundos|puntos|lectores|dias
        |leitores|pontos|reais|minuti|ore|giorni|secondi|punti|lettori|minuten|uur|dagen|lezers|punten|minut|godzin
        |sekund|dni|punktów|czytelników|złotych|минут\w*|час\w{0,3}|секунд\w*|дн\w{1,2}|руб\w*|миль|читател\w*
        |р|dakika|saat|saniye|gün|lira|mil|okur)(?![^\W\d_])
        [年月円元원分人名位積마名명개日时時点분층호회편便期号积千万년월일시] 积分 读者 マイル \s?積分
        ile_(?:biten|sonlanan) で終わる で終わり 로_끝나는 olan"""
    )
    + r"|/\w)"
)
_NEAR, _NOT_FAR, _RATHER_FAR = 24, 60, 90  # characters
FAR = 180  # characters between a word and a number that have nothing to do with each other any more
_LINKS_UP = re.compile(
    rf"(?:(?<![^\W\d_]){_IS}|[是为為はが는은이가:：=»>→—–-]|(?<![^\W\d_])(?:with|below|с|als)|[(（\[【「『«])[\s\"'“”«»„‘’*_(\[「『【<]{{0,8}}\Z"
)
_COLON = re.compile(r"[:：=→—–-][\s\"'“”«»„‘’*_(\[「『【<]{0,10}\Z")
_OPENS = re.compile(
    rf"[\s\"'“”«»„‘’*_)\]」』】>]{{0,6}}(?:{_IS}(?![^\W\d_])|[は이은는이가が是为為作]|은\(는\)|[-–—:：(（|·=]"
    rf"|(?:as|als|comme|como|come|jako|как|olarak)(?![^\W\d_])|作为|として|로)"
)
_WORDS = re.compile(r"[^\W_]")
_SENTENCE_END = re.compile(r"[。！？]|(?<!\bn)(?<!\b[nd][ron])[.!?;](?:[\"'”»)\]]{0,2}\s)|；")
_BLANK_LINE = re.compile(r"\n[ \t>]{0,40}\n")
_TIME_BEFORE = re.compile(
    r"(?<![^\W\d_])(?:in|until|till|by|before|after|since|at|from|over|within|than|bis|vor|nach|seit|um|ab|avant|après|dès"
    r"|hasta|desde|até|entro|fino|dal|tot|voor|sinds|do|od|po|до|с|от|kadar|ve|via|rue|calle|rua|ul)[\s\"'(]{0,3}\Z"
)
_ENTER = frozenset(
    """enter entering punch use using typing input submit provide quote copy paste gib gebt geben tipp tippe tippen
    trag trage tragen kopiere kopieren eintippen nutze nutzen verwende verwenden saisissez saisis saisir entrez
    entrer utilisez utilise indiquez tapez tape copiez recopiez recopie recopier communiquez communique rentrez
    rentre insérez insère inscrivez inscris renseignez renseigne reportez reporte composez compose saisissant
    collez copiez-collez introduce introduzca introducir ingresa ingrese ingresar escribe escriba escribir
    teclea usa utilice utiliza copia pega pegue pon ponga teclee marca marque indica indique escribí ingresá
    copie digite digita digitar insira insere introduza utilize informe cole coloque coloca preencha escreva
    escreve teclar inserisci inserisca inserire digiti usi utilizza utilizzi copi scrivi scriva incolli digitare
    immetti immetta immettere riporta riporti incolla voer voert gebruik vul typ tik toets kopieer plak wklej
    wprowadzić użyć wpisz wpisać podaj użyj przepisz wprowadź skopiuj введите введи ввести впиши вбейте вбей
    набери набрать используй укажи скопируй вставь назовите сообщите впишите наберите используйте укажите
    скопируйте вставьте girin giriniz yazın yazınız kullanın tuşlayın""".split()  # noqa: SIM905 - one a line is a page
)
_TYPED_IN = re.compile(r"\b(?:key|punch|tap|type) in\Z")
_TYPE = re.compile(r"(?:^|[.,;:(]|\b(?:please|and|then|to|or|just|now|you))\s{0,3}type\b")
# May stand between the verb and the number, as in "just type in the app".
_BETWEEN = frozenset(
    """einfach bitte jetzt kurz hier dort sie du dann die den das der in im app feld bildschirm browser zahl simply just
    please now here then the number digits on screen box page field into characters simplement juste ici maintenant
    alors dans l'appli l'application sur l'écran le la les numéro nombre chiffres simplemente solo aquí ahora en el los
    pantalla aplicación número dígitos simplesmente apenas aqui agora no na o os tela aplicativo ecrã aplicação
    semplicemente qui ora adesso nell'app nella schermata il schermo sullo cifre numero gewoon even hier nu
    het de op scherm getal
    cijfers po prostu tutaj teraz w aplikacji ekranie stronie formularzu liczbę cyfry numer просто здесь тут сейчас
    в приложении на экране сайте число цифры пожалуйста proszę""".split()  # noqa: SIM905 - one a line is a page
)
_BETWEEN_WORDS = 4
# One is told so of the number of an order, too.
_QUOTE = frozenset(
    """quote provide use using gib gebt geben nutze nutzen verwende verwenden indiquez utilisez utilise communiquez
    communique renseignez renseigne indique indica use usa utiliza utilice utilize informe usi utilizza utilizzi riporta
    gebruik podaj użyj укажите укажи используйте используй назовите сообщите""".split()  # noqa: SIM905 - one a line is a page
)
_TYPED = _ENTER - _QUOTE
_JUST_BEFORE = frozenset(["sie", "mit", "with", "ein"])  # what is entered, where the verb stands elsewhere
_LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_COUNTED = re.compile(
    r"[\s.:]{0,2}(?:number|no|nr|num|n°|nº|numero|número|numéro|nummer|numer|номер|numarası?|번호|号|番号)[\W_]{0,6}"
    rf"(?:{_IS}[\W_]{{0,3}})?"
)
_ENTERED_IN_CHINESE = ("输入", "輸入", "使用", "填写", "填寫", "填入")
_ENTER_ANYWHERE = ("输入", "輸入", "填写", "填入", "填寫", "入力", "입력")
_ENTER_AFTER = re.compile(
    r"[\s\"'”»“*)\]」』】]{0,3}(?:ein(?:geben|tippen|tragen)?\b|in(?=\s{0,3}(?:[.,;!]|\Z|om\b|op\b))|eingeben|girin|girerek|kullanın|yazın|yazarak|tuşlayın|yapıştırın|を入力|をご入力|을\s?입력|를\s?입력|입력)"
)
_PURPOSES = (
    *("verif", "confirm", "authenti", "authori", "activat", "access", "identity", "registr", "finish", "digits"),
    *("prompted", "when asked", "login", "anmeld", "anzumeld", "einlog", "einzulog", "freischalt", "zugang"),
    *("connecte", "connexion", "valider", "inscri", "iniciar ", "inicio de ses", "acced", "entrar", "acess"),
    *("cadastr", "conferm", "inlog", "in te log", "bevestig", "aanmeld", "zalog", "logow", "weryfik", "rejestr"),
    *(
        "oturum",
        "unlock",
        "entsperr",
        "desbloq",
        "sblocc",
        "autoriz",
        "autoris",
        "aktivier",
        "ingelog",
        "ontgrendel",
        "odblok",
        "odebra",
    ),
)
_SIGNS_IN = re.compile(r"\b(?:sign(?:ing)?|log(?:ging)?)[ -]?(?:in|on|up)\b")
_OTHER_PURPOSES = (
    *("bestätig", "confirmação", "sessão", "potwierd", "giriş", "doğrula", "onayla", "kayıt"),
    *("вход", "войти", "подтверд", "регистр", "登录", "登入", "登錄", "验证", "驗證", "注册", "註冊", "激活"),
    *("débloq", "разблок", "активац", "有効化", "활성화", "解锁", "会員登録", "新規登録", "本登録", "잠금"),
    *("ログイン", "認証", "確認", "로그인", "인증", "확인", "가입"),
)


def is_number_of_something(before: str) -> bool:
    """Whether what stands before a number, in lower case, makes it that of an order, a phone, a card…"""
    if _THING_OF.search(before):
        return True
    if not _NUMBER_OF.search(before) or _FOLLOWING.search(before):
        return False
    number = _ONLY_NUMBER.search(before)
    return number is None or not _follows_verb(before[: number.start()].split(), _TYPED)


def is_named_after(after: str) -> bool:
    """Whether what follows a number, in lower case, makes it an amount, or that of an order."""
    return NOT_A_CODE_AFTER.match(after) is not None or _IS_A_NUMBER.match(after) is not None


def is_label_of_number(line: str) -> bool:
    """Whether this short line of lower case stands over a number that is no code."""
    return len(line) <= _NOT_FAR and (
        _NUMBER_OF.search(line) is not None or _THING_OF.search(line.rstrip(": ")) is not None
    )


def tie_before(gap: str) -> float:
    """How well a word for a code before the gap speaks for a number behind it; 0 to 1."""
    if len(gap) > FAR or _SENTENCE_END.search(gap) or _BLANK_LINE.search(gap):
        return 0
    if not _WORDS.search(gap):
        return 0.97
    if any(not _has_digit(gap, found.end()) for found in _ANY_NUMBER_OF.finditer(gap)) and not _COLON.search(gap):
        return 0.4
    if _LINKS_UP.search(gap):
        return 0.95
    if "\n" in gap or len(gap) > _NOT_FAR or _TIME_BEFORE.search(gap):
        return 0.3
    return 0.7


def tie_after(gap: str) -> float:
    """How well a word for a code behind the gap speaks for a number before it; 0 to 1."""
    if len(gap) > _RATHER_FAR or _SENTENCE_END.search(gap) or "\n" in gap:
        return 0
    if not _WORDS.search(gap):
        return 0.45 if "," in gap else 0.9
    if _OPENS.match(gap):
        return 0.94
    return 0.6 if len(gap) <= _NEAR else 0.3


def is_entered(before: str, after: str) -> bool:
    """Whether one is told to enter the number that stands between."""
    words = before.rstrip("\"'“«„*([: ").split()
    last = words[-1] if words else ""
    is_told = (
        _follows_verb(words)
        or (last in _JUST_BEFORE and not words[-2:][0].endswith("ed"))
        or (last == "type" and tells_to_enter(before))
        or (last == "in" and _TYPED_IN.search(before.rstrip()) is not None)
    )
    is_told = is_told or last.endswith(_ENTERED_IN_CHINESE) or _ENTER_AFTER.match(after) is not None
    if not is_told and before.rstrip().endswith((":", "：")):
        is_told = tells_to_enter(before)
    return is_told


def _follows_verb(words: list[str], verbs: frozenset[str] = _ENTER) -> bool:
    """Whether the last word tells to enter something, whatever little ones come after it."""
    for word in itertools.islice(reversed(words), _BETWEEN_WORDS + 1):
        if word in verbs:
            return True
        if word not in _BETWEEN:
            return False
    return False


def tells_to_enter(line: str) -> bool:
    """Whether this line, in lower case, tells to enter something."""
    return (
        not _ENTER.isdisjoint(_LETTERS.findall(line))
        or any(map(line.__contains__, _ENTER_ANYWHERE))
        or _TYPE.search(line) is not None
    )


def is_right_behind(gap: str) -> bool:
    """Whether between a word for a code and a number is nothing more, or "number", as in "PIN number: 4821"."""
    return not _WORDS.search(gap) or _COUNTED.fullmatch(gap) is not None


def speaks_of_purpose(low: str) -> bool:
    """Whether this speaks of what codes are for."""
    if any(map(low.__contains__, _PURPOSES)) or (("sign" in low or "log" in low) and _SIGNS_IN.search(low)):
        return True
    return not low.isascii() and any(map(low.__contains__, _OTHER_PURPOSES))


def _has_digit(text: str, at: int) -> bool:
    return any(character.isdecimal() for character in text[at:])
