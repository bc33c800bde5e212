"""Previews of films

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-28 23:35:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('film', schema=None) as batch_op:
        batch_op.add_column(sa.Column('whole', sa.Text(), nullable=False, server_default=''))
        batch_op.alter_column('whole', server_default=None)


def downgrade():
    with op.batch_alter_table('film', schema=None) as batch_op:
        batch_op.drop_column('whole')
