from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("guestbook", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=80)),
                ("file", models.FileField(upload_to="documents/")),
            ],
            options={"ordering": ("title",)},
        ),
    )
