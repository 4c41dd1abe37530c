"""The models."""

from essays.extensions import db


class Essay(db.Model):
    """An essay of a student."""

    __tablename__ = "essays"

    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(200), nullable=False, index=True)
    state = db.Column(db.Enum("draft", "sent", name="essay_state"), nullable=False)
