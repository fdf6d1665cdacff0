"""Template tags, loaded everywhere: icons, and the one question about what a person may do."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.permissions import may as is_allowed

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """The symbol `name` of `static/img/icons.svg`. Decoration: words beside it say the same."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css or f"icon-{name}",
        static("img/icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def may(context, verb: str, obj=None) -> bool:
    """Whether the reader of this page may `verb` `obj`: `{% may "change" job as may_change %}`."""
    return is_allowed(context["request"].user, verb, obj)
