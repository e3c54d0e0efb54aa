"""Users and groups: who may log in, and which bots are theirs."""

from typing import TYPE_CHECKING

from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User

if TYPE_CHECKING:  # unfold has no types, and these take no parameters at run time
    UserBase = DjangoUserAdmin[User]

    GroupBase = DjangoGroupAdmin

else:
    from unfold.admin import ModelAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    class UserBase(DjangoUserAdmin, ModelAdmin):
        form = UserChangeForm
        add_form = UserCreationForm
        change_password_form = AdminPasswordChangeForm

    class GroupBase(DjangoGroupAdmin, ModelAdmin):
        pass


class UserAdmin(UserBase):
    list_display = ["username", "email", "is_staff", "is_superuser", "last_login"]
    list_filter = ["is_staff", "is_superuser", "is_active"]
    # Groups decide which bots a member of staff configures; permissions do nothing.
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups"]


class GroupAdmin(GroupBase):
    fieldsets = [(None, {"fields": ["name"]})]
