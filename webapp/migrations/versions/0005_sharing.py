"""Links to films

Revision ID: 0005
Revises: 0002
Create Date: 2026-11-29 02:40:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0005'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('film', schema=None) as batch_op:
        batch_op.add_column(sa.Column('share_key', sa.String(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('shared_until_s', sa.Double(), nullable=False, server_default='0'))
        batch_op.alter_column('share_key', server_default=None)
        batch_op.alter_column('shared_until_s', server_default=None)
        batch_op.create_index(batch_op.f('ix_film_share_key'), ['share_key'], unique=False)


def downgrade():
    with op.batch_alter_table('film', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_film_share_key'))
        batch_op.drop_column('shared_until_s')
        batch_op.drop_column('share_key')
