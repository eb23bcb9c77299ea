"""The table and its twelve rows."""

from django.db import migrations, models

TEXT = "A thing of which there is much to say & little <to> know, told in some more words than fit."


def fill(apps, schema_editor):
    """Put twelve items on the shelf."""
    item = apps.get_model("shop", "Item")
    item.objects.bulk_create(
        item(name=f"Item {number}", text=TEXT, cents=number * 199, stock=number % 4)
        for number in range(12)
    )


class Migration(migrations.Migration):
    """The first and only one."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                ("text", models.TextField()),
                ("cents", models.IntegerField()),
                ("stock", models.IntegerField()),
            ],
            options={"ordering": ("pk",)},
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    )
