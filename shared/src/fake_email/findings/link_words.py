"""The words for each kind of link, in lower case, in the thirteen languages of the tests."""

import functools
import itertools
import operator
import re
from collections.abc import Iterable

from fake_email.parsed_message import LinkKind

_Table = tuple[tuple[LinkKind, re.Pattern[str]], ...]


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of these words, in which `+` stands for a blank."""
    # Grouped by first letter: of sixty words, a search then tries few at any one position.
    return re.compile(
        "|".join(
            f"{re.escape(first)}(?:{'|'.join(re.escape(word[1:].replace('+', ' ')) for word in group)})"
            for first, group in itertools.groupby(sorted(words), key=operator.itemgetter(0))
        )
    )


def _table(*rows: tuple[LinkKind, str]) -> _Table:
    return tuple((kind, _any_of(words.split())) for kind, words in rows)


# The first kind with a match counts: other links do not speak of leaving a list or choosing a password.
_IN_TEXT = _table(
    (
        "unsubscribe",
        """
        unsubscrib opt+out opt-out preference notification+settings email+settings stop+receiving abbestell
        abmeld austrag darse+de+baja darme+de+baja dar+de+baja desuscri cancelar+la+suscripci
        cancelar+suscripci preferencia descadastr descinscr cancelar+inscri cancelar+a+inscri
        cancelar+subscri cancelar+a+subscri disiscri preferenze annulla+iscrizione annulla+l'iscrizione
        cancella+iscrizione cancellati uitschrij afmeld voorkeuren wypis zrezygnuj rezygnacj abonelikten
        listeden désabonn désinscri préférence preferência aboneliği aboneliğ отпис отказаться+от 退订 取消订阅 退訂
        取消訂閱 配信停止 購読解除 配信解除 購読を解除 メール設定 수신거부 수신+거부 구독+취소 구독취소 구독+해지
        수신+설정 cancelar+sua+inscri abzubestell
        abzumeld auszutrag no+longer+w nicht+mehr+erhalten ne+plus+recevoir no+quiero+recibir não+quero+mais
        non+vuoi+ricevere niet+meer+ontvang
        """,
    ),
    (
        "reset",
        """
        reset password recover passwort kennwort mot+de+passe contrase senha palavra-passe wachtwoord haslo
        parola sifre hasł парол şifre 密码 密碼 パスワード 비밀번호 암호+재설정
        """,
    ),
    (
        "verify",
        """
        verify verificar verifica+ verifizier verifieer verifiëren confirm+ confirm+my confirmer confirme
        confirmar confirma+ conferma validate validar valider validez activate activer activez activar
        activa+ ativar ative+ attiva aktivier activeer activeren bevestig+ bevestigen aktywuj zweryfik
        potwierdz complete+registration complete+sign finish+sign complete+your bestätigen bestätige+ vérifi
        registrierung registro registrazione cadastro rejestracj creating+your+account yes,+subscribe
        регистрац 完成注册 potwierdź подтверди активир onayla doğrula etkinleştir aktifleştir aktif+et 验证
        激活 确认邮箱 确认注册 确认您 确认订阅
        驗證 啟用 認証 アドレスを確認 アドレスの確認 登録を確認 登録を完了 本登録 有効化 인증 이메일+확인 주소+확인
        활성화 가입+완료 계정+확인
        """,
    ),
    (
        "login",
        """
        log+in login log-in log+me+in sign+in sign-in signin sign+me+in magic+link anmelden einlogg
        connecter connexion connectez iniciar+ses inicia+ses acceder accede+ entrar fazer+login acessar
        accedi inlogg aanmelden zaloguj giris войти вход войдите giriş oturum+aç 登录 登入 ログイン サインイン 로그인
        """,
    ),
)
_IN_URL = _table(
    (
        "unsubscribe",
        """
        unsub optout opt-out opt_out preferences abmeld abbestell austrag desabonn desinscri /baja
        descadastr disiscri uitschrij afmeld wypis otpis abonelik
        """,
    ),
    (
        "reset",
        """
        reset forgot password passwort recover mot-de-passe contrasena restablec redefin reimpost
        reinitialis wachtwoord haslo sifre senha zuruecksetz action=rp type=recovery
        """,
    ),
    (
        "login",
        """
        magiclink magic-link magic_link
        """,
    ),
    (
        "verify",
        """
        verify verification verificar confirm activat validate bestaetig aktivier activar ativar attiva
        conferma bevestig activeren potwierdz aktyw onayla dogrula optin action-token
        """,
    ),
    (
        "login",
        """
        login log-in signin sign-in sign_in magic anmelden connexion inloggen
        """,
    ),
)
_SOME_IN_URL = re.compile("|".join(words.pattern for _, words in _IN_URL))  # few URLs have any
# The text of links that only say that they are links.
_POINTS = _any_of(
    """
        here click link button continue start yes this+url browser hier klick knopf cliqu ici lien bouton
        aqui clic enlace bot qui pulsa klik knop tutaj buraya bağlant tıkla aquí здесь сюда ссылк нажми
        перейд 这里 此处 点击 链接 點擊 連結 こちら クリック リンク 여기 클릭 링크
    """.split()  # noqa: SIM905 - one a line is a page
)


@functools.lru_cache(maxsize=1024)  # a newsletter has a hundred "Read more"
def kind_of_text(low: str) -> LinkKind:
    """The kind of a link with this text, in lower case."""
    low += " "
    return _kind(_IN_TEXT, low)


def kind_of_url(low: str) -> LinkKind:
    """The kind of a link with this path and query, in lower case."""
    return _kind(_IN_URL, low) if _SOME_IN_URL.search(low) else "other"


def points(low: str) -> bool:
    """True for a text, in lower case, that only says that it is a link."""
    return _POINTS.search(low) is not None


def _kind(table: _Table, low: str) -> LinkKind:
    return next((kind for kind, words in table if words.search(low)), "other")
