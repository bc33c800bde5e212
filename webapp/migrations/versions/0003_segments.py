"""Segments of films that are being made

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-29 03:05:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('segment',
    sa.Column('film_id', sa.String(), nullable=False),
    sa.Column('first_frame', sa.Integer(), nullable=False),
    sa.Column('stop_frame', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('queued', 'running', 'done', 'failed', 'cancelled', name='state', native_enum=False), nullable=False),
    sa.Column('lease', sa.String(), nullable=False),
    sa.Column('heartbeat_s', sa.Double(), nullable=False),
    sa.Column('n_tries', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['film_id'], ['film.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('film_id', 'first_frame')
    )


def downgrade():
    op.drop_table('segment')
